using Amazon.KeyManagementService.Model;
using Scalr.Byok.Kms.Diagnostics;
using Scalr.Byok.Kms.Errors;
using static Scalr.Byok.Kms.ByokKeyFindingOwner;
using static Scalr.Byok.Kms.ByokKeyFindingSeverity;

namespace Scalr.Byok.Kms.Kms;

/// <summary>Queries a key and its replicas by kms:DescribeKey. A denial or an outage is a finding, not an exception.</summary>
internal sealed class KeyProbe
{
    private readonly KmsKey _key;
    private readonly KmsRegion _region;
    private readonly IReadOnlyList<KmsRegion> _replicas;
    private readonly IReadOnlyList<KmsRegion> _previous;
    private readonly TimeProvider _time;

    /// <param name="key">The key.</param>
    /// <param name="region">The Region to query the key in.</param>
    /// <param name="replicas">The replicas to query as well.</param>
    /// <param name="previous">The previous keys. They are not queried; a finding about their sessions is reported.</param>
    /// <param name="time">The clock.</param>
    public KeyProbe(
        KmsKey key, KmsRegion region, IReadOnlyList<KmsRegion> replicas, IReadOnlyList<KmsRegion> previous, TimeProvider time)
    {
        _previous = previous;
        _key = key;
        _region = region;
        _replicas = replicas;
        _time = time;
    }

    /// <exception cref="OperationCanceledException">The caller cancelled.</exception>
    /// <exception cref="ObjectDisposedException">The ring was disposed.</exception>
    public async Task<ByokKeyHealth> ProbeAsync(CancellationToken cancellationToken)
    {
        var (health, _) = await ExamineAsync(cancellationToken).ConfigureAwait(false);
        if (_key.IsOfHost)
        {
            // No customer can act on what is found about the platform key.
            health = health.With(health.Status, health.Reason, [.. health.Findings.Select(OfHost)]);
        }

        foreach (var region in _previous.Prepend(_region))
        {
            if (region.Sessions?.Current?.Shortening is { } shortening)
            {
                var finding = KeyExamination.SessionShortened(shortening);
                health = With(
                    health,
                    region == _region ? finding : finding with { Message = $"Previous key {region.Arn}: {finding.Message}" },
                    health.Reason);
            }
        }

        // After the last finding, so that the metric has the status that the caller gets.
        Instruments.Probed(health.Status);
        return health;
    }

    /// <summary>As <see cref="ProbeAsync"/>, and returns the exception that prevented a description; null if there is none.</summary>
    public Task<(ByokKeyHealth Health, ByokException? Refusal)> ExamineAsync(CancellationToken cancellationToken) =>
        ExamineAsync(new KmsCall(AwsAction.DescribeKey), cancellationToken);

    /// <inheritdoc cref="ExamineAsync(CancellationToken)"/>
    public async Task<(ByokKeyHealth Health, ByokException? Refusal)> ExamineAsync(KmsCall call, CancellationToken cancellationToken)
    {
        var (start, begin) = (_time.GetUtcNow(), _time.GetTimestamp());
        KeyMetadata key;
        try
        {
            key = await _key.DescribeAsync(_region, call, cancellationToken).ConfigureAwait(false);
        }
        catch (ByokException e)
        {
            // Only errors about the key. A cancellation and the disposal of the ring go to the caller. Without kms:DescribeKey, nothing is
            // known about encryption and decryption, so the key is not reported as unavailable.
            var reason = IsDescribeKeyDenied(e) ? null : (e as ByokKeyUnavailableException)?.Reason;
            return (Health(null, reason, [Finding(e)], start, _time.GetElapsedTime(begin)), e);
        }

        var findings = KeyExamination.Examine(_region.Arn, key, _replicas.Select(replica => replica.Arn.Region), start).ToList();
        var looks = _replicas.Where(replica => KeyExamination.MayBeIn(key, replica.Arn.Region))
            .Select(replica => ProbeReplicaAsync(replica, start, cancellationToken));

        // At the same time, so that replicas in an outage cost one time limit in all.
        findings.AddRange((await Task.WhenAll(looks).ConfigureAwait(false)).OfType<ByokKeyFinding>());
        return (Health(key, KeyExamination.ReasonOf(key), findings, start, _time.GetElapsedTime(begin)), null);
    }

    /// <summary>The finding about a key that could not be described.</summary>
    public static ByokKeyFinding Finding(ByokException error) => error switch
    {
        ByokKeyUnavailableException { IsOfHost: true } e => OfHost(Finding(new ByokKeyUnavailableException(
            e.KeyArn, e.Reason, e.Operation, e.RequestId, e.InnerException))),
        ByokKeyUnavailableException e when IsDescribeKeyDenied(error) => new ByokKeyFinding(
            ByokKeyFindingCode.DescribeKeyDenied, Warning, Customer,
            "The host cannot see problems of the key coming: kms:DescribeKey on it is not allowed.",
            $"Grant kms:DescribeKey on {e.KeyArn} to the user or role; encryption and decryption do not need it."),
        ByokKeyUnavailableException e => new ByokKeyFinding(
            e.Reason.ToString(), Error, Customer, Remedies.For(e.Reason, e.KeyArn, e.Operation).Happened, e.Remedy),
        // A wrong clock, the host's issuer and a call without an AWS action are failures of the host, which waiting may not end.
        ByokServiceException { IsTransient: true, IsClockOff: false, IsOfHost: false, Operation: not null } => new ByokKeyFinding(
            ByokKeyFindingCode.ServiceUnavailable, Error, Aws, error.Message, error is ByokServiceException { IsAtConfiguredAddress: true }
                ? "Wait and try again. If that does not help, the host's operator has to check the option Endpoints."
                : "Wait and try again. No change is needed."),
        _ => new ByokKeyFinding(
            ByokKeyFindingCode.HostAtFault, Error, Host, error.Message, "The host's operator has to correct it; the customer cannot."),
    };

    /// <summary>The health of a key that AWS describes, but whose use it denies.</summary>
    public static ByokKeyHealth WithDenial(ByokKeyHealth health, ByokKeyUnavailableException denial) =>
        With(health, Finding(denial), denial.Reason);

    /// <summary>
    /// The health of a key for whose role the host gets no new session, for a reason that only the host's operator can change.
    /// </summary>
    public static ByokKeyHealth WithHostFailure(ByokKeyHealth health, ByokServiceException failure) =>
        // The query by kms:DescribeKey may have met the same failure.
        health.Findings.Any(finding => finding.Code == ByokKeyFindingCode.HostAtFault)
            ? health
            : With(health, Finding(failure), health.Reason);

    /// <summary>Whether kms:DescribeKey alone is denied. The key may encrypt and decrypt all the same.</summary>
    public static bool IsDescribeKeyDenied(ByokException error) =>
        error is ByokKeyUnavailableException { Reason: ByokKeyUnavailableReason.AccessDenied, Operation: AwsAction.DescribeKey };

    private static ByokKeyHealth With(ByokKeyHealth health, ByokKeyFinding finding, ByokKeyUnavailableReason? reason)
    {
        List<ByokKeyFinding> findings = [finding, .. health.Findings];
        return health.With(KeyExamination.StatusOf(findings), reason, [.. findings.OrderByDescending(f => f.Severity)]);
    }

    /// <summary>A finding about the platform key. No customer can act on it.</summary>
    public static ByokKeyFinding OfHost(ByokKeyFinding finding) =>
        finding.Owner == ByokKeyFindingOwner.Customer ? finding with { Owner = ByokKeyFindingOwner.Host } : finding;

    private async Task<ByokKeyFinding?> ProbeReplicaAsync(KmsRegion replica, DateTimeOffset now, CancellationToken cancellationToken)
    {
        try
        {
            return KeyExamination.ExamineReplica(
                replica.Arn, await _key.DescribeAsync(replica, cancellationToken).ConfigureAwait(false), now);
        }
        catch (ByokException e)
        {
            // The failure of one replica is one finding. It must not hide those of the other Regions.
            var finding = Finding(e);
            return finding with
            {
                Code = ByokKeyFindingCode.ReplicaStateUnknown,
                // The key still works in its own Region.
                Severity = Warning,
                Message = $"The replica in Region {replica.Arn.Region} could not be queried. {finding.Message}",
            };
        }
    }

    private ByokKeyHealth Health(
        KeyMetadata? key, ByokKeyUnavailableReason? reason, List<ByokKeyFinding> findings, DateTimeOffset start, TimeSpan duration)
    {
        return new ByokKeyHealth
        {
            KeyArn = _region.Arn,
            Status = KeyExamination.StatusOf(findings),
            KeyState = key is null ? KmsKeyState.Unknown : KeyExamination.StateOf(key),
            Reason = reason,
            Findings = [.. findings.OrderByDescending(finding => finding.Severity)],
            KeySpec = AwsAnswers.Constant(key?.KeySpec),
            KeyUsage = AwsAnswers.Constant(key?.KeyUsage),
            Origin = AwsAnswers.Constant(key?.Origin),
            KeyManager = AwsAnswers.Constant(key?.KeyManager),
            DeletionDate = KeyExamination.TimeOf(key?.DeletionDate),
            KeyMaterialExpiresAt = KeyExamination.TimeOf(key?.ValidTo),
            PrimaryRegion = KeyExamination.PrimaryRegionOf(key),
            ReplicaRegions = [.. KeyExamination.ReplicaRegionsOf(key)],
            CheckedAt = start,
            Duration = duration,
        };
    }
}
