using Scalr.Byok.Kms.Credentials;
using Scalr.Byok.Kms.Diagnostics;
using Scalr.Byok.Kms.Errors;
using Scalr.Byok.Kms.Kms;
using static Scalr.Byok.Kms.ByokKeyUnavailableReason;
using static Scalr.Byok.Kms.ByokVerificationOutcome;

namespace Scalr.Byok.Kms.Verification;

/// <summary>Explains denials of one key, with remedies and policies for this customer.</summary>
internal sealed class VerificationAdvice
{
    private readonly TestedKey _key;
    private readonly KmsKeyArn _permitted;
    private readonly ByokCredentialSettings _credentials;
    private readonly IRoleStrategy? _role;
    private readonly RingOwner _owner;

    /// <param name="key">The key.</param>
    /// <param name="credentials">The credentials that the customer typed for the key.</param>
    /// <param name="role">The strategy, if it assumes a role.</param>
    /// <param name="owner">The owner of the ring.</param>
    public VerificationAdvice(TestedKey key, ByokCredentialSettings credentials, IRoleStrategy? role, RingOwner owner)
        : this(key, key.Arn, credentials, role, owner)
    {
    }

    private VerificationAdvice(TestedKey key, KmsKeyArn permitted, ByokCredentialSettings credentials, IRoleStrategy? role, RingOwner owner)
    {
        _owner = owner;
        _key = key;
        _permitted = permitted;
        _credentials = credentials;
        _role = role;
    }

    /// <summary>The Regions of the key's replicas.</summary>
    public IEnumerable<string> ReplicaRegions { get; init; } = [];

    /// <summary>The start of messages about another key than the ring's current one.</summary>
    public string About { get; init; } = "";

    private ByokCredentialContext Context => new([_key.Arn], _owner) { Audit = _key.Audit };

    private bool IsOidc => _role?.Action == AwsAction.AssumeRoleWithWebIdentity;

    private string Principal => _credentials switch
    {
        { RoleArn: { Length: > 0 } role } => $"the role {role}",
        { AccessKeyId.Length: > 0 } => "the IAM user of the access key",
        _ => "the user or role that the credentials belong to",
    };

    private string NotDetermined =>
        $"It could not be determined whether the role {(IsOidc ? "admits other subjects" : "can be assumed without the external ID")}";

    private string Permissions => ByokPolicies.KeyPermissions(_permitted, ReplicaRegions);

    /// <summary>The same for a replica, whose policies are those of its key.</summary>
    public VerificationAdvice For(TestedKey replica) => new(replica, _permitted, _credentials, _role, _owner)
    {
        ReplicaRegions = ReplicaRegions,
        About = $"Replica in Region {replica.Arn.Region}: ",
    };

    /// <summary>The result of a description by kms:DescribeKey: its worst finding, unless that is information.</summary>
    public StepResult Judge(ByokKeyHealth health, string allWell) =>
        health.Findings is [{ Severity: not ByokKeyFindingSeverity.Information } worst, ..]
            ? Concerning(ResultOf(worst) with { Reason = health.Reason })
            : StepResult.Pass(allWell);

    /// <summary>The result of a new session: a warning if it is shorter than the host's options say.</summary>
    public StepResult JudgeSession(StepResult result) => _key.Shortening is { } shortening && result.Outcome == Passed
        ? Concerning(ResultOf(KeyExamination.SessionShortened(shortening)))
        : result;

    /// <summary>Adds the key that the result is about.</summary>
    public StepResult Concerning(StepResult result) => result with { Message = About + result.Message };

    /// <summary>Explains a denial or an outage.</summary>
    public async Task<StepResult> ExplainAsync(ByokException error, CancellationToken cancellationToken)
    {
        if (error is ByokDecryptionException)
        {
            return Concerning(StepResult.Fail(
                "kms:Decrypt rejects what kms:Encrypt has just encrypted.",
                "Check that the replica belongs to the key, and the endpoint that the host uses for AWS KMS.",
                AwsAction.Decrypt));
        }

        var result = Concerning(WithRequest(ResultOf(KeyProbe.Finding(error)), error));
        if (error is not ByokKeyUnavailableException refusal)
        {
            return result;
        }

        result = result with { Reason = refusal.Reason };
        return refusal.Reason switch
        {
            AccessDenied => result with
            {
                Remedy = $"Attach this permission policy to {Principal}: it allows {refusal.Operation}. "
                    + $"If it is already attached, check the key ARN: {Remedies.MistypedArn} Then check that the key policy denies nothing."
                    + (Remedies.HasEncryptionContext(refusal.Operation)
                        ? $" {Remedies.ContextConditions} the encryption context that was tried."
                        : ""),
                Policy = Permissions,
            },
            KeyNotFound when refusal.KeyArn != _permitted => Missing(result, refusal.KeyArn.Region),
            RoleNotAssumable or TokenRejected when _role is not null =>
                Mend(result, await DescribeTrustAsync(cancellationToken).ConfigureAwait(false)),
            _ => result,
        };
    }

    /// <summary>Tries the role as an unrelated party could. A denial is the expected result.</summary>
    public async Task<StepResult> TryAsStrangerAsync(CancellationToken cancellationToken)
    {
        try
        {
            if (!await _key.SendAsync(
                _role!.Action,
                expectsDenial: true,
                (sends, token) => _role.AssumeAsStrangerAsync(_credentials, Context, sends, token),
                cancellationToken).ConfigureAwait(false))
            {
                return StepResult.Skip("Not tried: the host's token provider issues no token of another subject to try with.");
            }
        }
        catch (ByokKeyUnavailableException e) when (e.Reason == RoleNotAssumable)
        {
            return StepResult.Pass(
                IsOidc ? "The role does not admit a token of another subject." : "The role cannot be assumed without the external ID.");
        }
        catch (ByokKeyUnavailableException e) when (e.Reason == TokenRejected)
        {
            // AWS STS has just accepted the host's other token, and checks the token before the role. So this rejection says nothing about
            // the role.
            return WithRequest(
                new StepResult(
                    Warning,
                    $"{NotDetermined}: AWS STS does not accept the host's token of another subject.")
                {
                    Remedy = "The host's operator has to correct it; the customer cannot.",
                },
                e);
        }
        catch (ByokException e)
        {
            var remedy = KeyProbe.Finding(e) is { Owner: ByokKeyFindingOwner.Host } finding ? finding.Remedy : "Verify again later.";
            return WithRequest(new StepResult(Warning, $"{NotDetermined}. {e.Message}")
            {
                Remedy = remedy,
            }, e);
        }

        var trust = await DescribeTrustAsync(cancellationToken).ConfigureAwait(false);
        return new StepResult(Warning, IsOidc
            ? "The role admits a token of another subject, so any other customer of the host could reach the key through it."
            : "The role can be assumed without the external ID, so anyone who guesses its ARN could have the host use the key for them.")
        {
            Remedy = $"Replace the trust policy of {Principal} by one that demands {(IsOidc ? "the token's subject" : "the external ID")}.",
            Policy = trust.Policy,
        };
    }

    private static StepResult ResultOf(ByokKeyFinding finding) =>
        new(finding.Severity == ByokKeyFindingSeverity.Error ? Failed : Warning, finding.Message) { Remedy = finding.Remedy };

    private static StepResult WithRequest(StepResult result, ByokException error) => error switch
    {
        ByokServiceException e => result with { Operation = e.Operation, RequestId = e.RequestId },
        ByokKeyUnavailableException e => result with { Operation = e.Operation, RequestId = e.RequestId },
        _ => result,
    };

    private static StepResult Missing(StepResult result, string region)
    {
        var finding = KeyExamination.ReplicaMissing(region);
        return result with { Message = finding.Message, Remedy = finding.Remedy };
    }

    /// <summary>The remedy for the role or its identity provider. It stays general if the host's own token cannot be read.</summary>
    private StepResult Mend(StepResult result, RoleTrust trust) => (result.Reason, trust) switch
    {
        (TokenRejected, { Issuer: { } issuer }) => result with
        {
            Remedy = $"In account {RoleArns.AccountOf(_credentials.RoleArn!)}, the OIDC identity provider must have "
                + $"the URL {issuer} and the audience {_credentials.Audience}.",
        },
        (RoleNotAssumable, { Policy: { } policy }) => result with
        {
            Remedy = $"Give {Principal} this trust policy. If the role already has it, check the role "
                + $"ARN{(IsOidc ? " and the audience" : " and the external ID")}.",
            Policy = policy,
        },
        _ => result,
    };

    private async Task<RoleTrust> DescribeTrustAsync(CancellationToken cancellationToken)
    {
        try
        {
            return await _key.SendAsync(
                _role!.Action,
                expectsDenial: false,
                (_, token) => _role.DescribeTrustAsync(_credentials, Context, token),
                cancellationToken).ConfigureAwait(false);
        }
        catch (ByokServiceException)
        {
            return new RoleTrust(Policy: null); // the token provider worked a moment before, so the remedy stays general
        }
    }
}
