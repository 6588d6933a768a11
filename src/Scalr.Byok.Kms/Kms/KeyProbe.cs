using Amazon.KeyManagementService.Model;
using Scalr.Byok.Kms.Diagnostics;
using Scalr.Byok.Kms.Errors;
using static Scalr.Byok.Kms.KeyFindingOwner;
using static Scalr.Byok.Kms.KeyFindingSeverity;

namespace Scalr.Byok.Kms.Kms;

/// <summary>Looks at a key, and at its replicas, by kms:DescribeKey. What AWS refuses or fails to do is a finding, not an exception.</summary>
internal sealed class KeyProbe
{
    private readonly KmsKey _key;
    private readonly KmsRegion _region;
    private readonly IReadOnlyList<KmsRegion> _replicas;
    private readonly TimeProvider _time;

    /// <param name="key">The key.</param>
    /// <param name="region">The Region to look at it in.</param>
    /// <param name="replicas">The replicas to look at, too.</param>
    /// <param name="time">The clock.</param>
    public KeyProbe(KmsKey key, KmsRegion region, IReadOnlyList<KmsRegion> replicas, TimeProvider time)
    {
        _key = key;
        _region = region;
        _replicas = replicas;
        _time = time;
    }

    /// <exception cref="OperationCanceledException">The caller cancelled.</exception>
    /// <exception cref="ObjectDisposedException">The ring was disposed.</exception>
    public async Task<KeyHealth> ProbeAsync(CancellationToken cancellationToken)
    {
        var (health, _) = await ExamineAsync(cancellationToken).ConfigureAwait(false);
        Instruments.Probed(health.Status);
        return health;
    }

    /// <summary>As <see cref="ProbeAsync"/>, for a caller who wants to know all about a refusal: what AWS refused or failed to do; null if the key was described.</summary>
    public async Task<(KeyHealth Health, ByokException? Refusal)> ExamineAsync(CancellationToken cancellationToken)
    {
        var (start, begin) = (_time.GetUtcNow(), _time.GetTimestamp());
        KeyMetadata key;
        try
        {
            key = await _key.DescribeAsync(_region, cancellationToken).ConfigureAwait(false);
        }
        catch (ByokException e)
        {
            var reason = IsDescribeKeyDenied(e) ? null : (e as ByokKeyUnavailableException)?.Reason;
            return (Health(null, reason, [Finding(e)], start, _time.GetElapsedTime(begin)), e);
        }

        var findings = KeyExamination.Examine(_region.Arn, key, _replicas.Select(replica => replica.Arn.Region), start).ToList();
        var looks = _replicas.Where(replica => KeyExamination.MayBeIn(key, replica.Arn.Region))
            .Select(replica => LookAtAsync(replica, start, cancellationToken));
        findings.AddRange((await Task.WhenAll(looks).ConfigureAwait(false)).OfType<KeyFinding>());
        return (Health(key, KeyExamination.ReasonOf(key), findings, start, _time.GetElapsedTime(begin)), null);
    }

    /// <summary>What to say about a key that could not be looked at.</summary>
    public static KeyFinding Finding(ByokException error) => error switch
    {
        ByokKeyUnavailableException e when IsDescribeKeyDenied(error) => new KeyFinding(
            KeyFindingCode.DescribeKeyDenied, Warning, Customer,
            "The host cannot see problems of the key coming: kms:DescribeKey on it is not allowed.",
            $"Grant kms:DescribeKey on {e.KeyArn} to the user or role; encryption and decryption do not need it."),
        ByokKeyUnavailableException e => new KeyFinding(
            e.Reason.ToString(), Error, Customer, Remedies.For(e.Reason, e.KeyArn, e.Operation).Happened, e.Remedy),
        ByokServiceException { IsTransient: true, IsClockOff: false, Operation: not null } => new KeyFinding(
            KeyFindingCode.ServiceUnavailable, Error, Aws, error.Message, "Wait and try again; nobody needs to change anything."),
        _ => new KeyFinding(KeyFindingCode.HostAtFault, Error, Host, error.Message, "The host's operator has to mend it; the customer cannot."),
    };

    /// <summary>The health of a key that AWS describes, but whose use it denies.</summary>
    public static KeyHealth WithDenial(KeyHealth health, ByokKeyUnavailableException denial)
    {
        List<KeyFinding> findings = [Finding(denial), .. health.Findings];
        return health.With(KeyExamination.StatusOf(findings), denial.Reason, [.. findings.OrderByDescending(finding => finding.Severity)]);
    }

    /// <summary>DescribeKey alone being denied says nothing about the key: it may well encrypt and decrypt.</summary>
    public static bool IsDescribeKeyDenied(ByokException error) =>
        error is ByokKeyUnavailableException { Reason: ByokKeyUnavailableReason.AccessDenied, Operation: AwsAction.DescribeKey };

    private async Task<KeyFinding?> LookAtAsync(KmsRegion replica, DateTimeOffset now, CancellationToken cancellationToken)
    {
        try
        {
            return KeyExamination.ExamineReplica(replica.Arn, await _key.DescribeAsync(replica, cancellationToken).ConfigureAwait(false), now);
        }
        catch (ByokException e)
        {
            var finding = Finding(e);
            return finding with
            {
                Code = KeyFindingCode.ReplicaNotSeen,
                Severity = Warning,
                Message = $"The replica in Region {replica.Arn.Region} could not be looked at. {finding.Message}",
            };
        }
    }

    private KeyHealth Health(
        KeyMetadata? key, ByokKeyUnavailableReason? reason, List<KeyFinding> findings, DateTimeOffset start, TimeSpan duration)
    {
        return new KeyHealth
        {
            KeyArn = _region.Arn,
            Status = KeyExamination.StatusOf(findings),
            KeyState = key is null ? KmsKeyState.Unknown : KeyExamination.StateOf(key),
            Reason = reason,
            Findings = [.. findings.OrderByDescending(finding => finding.Severity)],
            KeySpec = key?.KeySpec?.Value,
            KeyUsage = key?.KeyUsage?.Value,
            Origin = key?.Origin?.Value,
            KeyManager = key?.KeyManager?.Value,
            DeletionDate = KeyExamination.TimeOf(key?.DeletionDate),
            KeyMaterialExpiresAt = KeyExamination.TimeOf(key?.ValidTo),
            PrimaryRegion = KeyExamination.PrimaryRegionOf(key),
            ReplicaRegions = [.. KeyExamination.ReplicaRegionsOf(key)],
            CheckedAt = start,
            Duration = duration,
        };
    }
}
