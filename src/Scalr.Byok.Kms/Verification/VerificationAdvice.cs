using Scalr.Byok.Kms.Credentials;
using Scalr.Byok.Kms.Diagnostics;
using Scalr.Byok.Kms.Errors;
using Scalr.Byok.Kms.Kms;
using static Scalr.Byok.Kms.ByokKeyUnavailableReason;
using static Scalr.Byok.Kms.ByokVerificationOutcome;

namespace Scalr.Byok.Kms.Verification;

/// <summary>What to say about one key's refusals, and what to do about them, with this customer's own values filled in.</summary>
internal sealed class VerificationAdvice
{
    private readonly TestedKey _key;
    private readonly KmsKeyArn _permitted;
    private readonly ByokCredentialSettings _credentials;
    private readonly IRoleStrategy? _role;

    /// <param name="key">The key.</param>
    /// <param name="credentials">What the customer typed to reach it.</param>
    /// <param name="role">The strategy, if it assumes a role.</param>
    public VerificationAdvice(TestedKey key, ByokCredentialSettings credentials, IRoleStrategy? role)
        : this(key, key.Arn, credentials, role)
    {
    }

    private VerificationAdvice(TestedKey key, KmsKeyArn permitted, ByokCredentialSettings credentials, IRoleStrategy? role)
    {
        _key = key;
        _permitted = permitted;
        _credentials = credentials;
        _role = role;
    }

    /// <summary>The Regions of its replicas.</summary>
    public IEnumerable<string> ReplicaRegions { get; init; } = [];

    /// <summary>What messages begin with, where it is not the ring's own key that they are about.</summary>
    public string About { get; init; } = "";

    private bool IsOidc => _role?.Action == AwsAction.AssumeRoleWithWebIdentity;

    private string Principal => _credentials switch
    {
        { RoleArn: { Length: > 0 } role } => $"the role {role}",
        { AccessKeyId.Length: > 0 } => "the IAM user of the access key",
        _ => "the user or role that the credentials belong to",
    };

    private string Permissions => ByokPolicies.KeyPermissions(_permitted, ReplicaRegions);

    /// <summary>The same for a replica, whose policies are those of its key.</summary>
    public VerificationAdvice For(TestedKey replica) => new(replica, _permitted, _credentials, _role)
    {
        ReplicaRegions = ReplicaRegions,
        About = $"Replica in Region {replica.Arn.Region}: ",
    };

    /// <summary>The step's result from what kms:DescribeKey told: its worst finding, if that is bad.</summary>
    public StepResult Judge(KeyHealth health, string allWell) => health.Findings is [{ Severity: not KeyFindingSeverity.Information } worst, ..]
        ? Concerning(ResultOf(worst) with { Reason = health.Reason })
        : StepResult.Pass(allWell);

    /// <summary>The result, saying which key it is about.</summary>
    public StepResult Concerning(StepResult result) => result with { Message = About + result.Message };

    /// <summary>What AWS refused or failed to do.</summary>
    public async Task<StepResult> ExplainAsync(ByokException error, CancellationToken cancellationToken)
    {
        if (error is ByokDecryptionException)
        {
            return Concerning(StepResult.Fail(
                "kms:Decrypt refuses what kms:Encrypt has just made.",
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
                    + "If it is there already, see that the key policy denies nothing."
                    + (Remedies.HasEncryptionContext(refusal.Operation) ? $" {Remedies.ContextConditions} the encryption context that was tried." : ""),
                Policy = Permissions,
            },
            KeyNotFound when refusal.KeyArn != _permitted => Missing(result, refusal.KeyArn.Region),
            RoleNotAssumable or TokenRejected when _role is not null => Mend(result, await DescribeTrustAsync(cancellationToken).ConfigureAwait(false)),
            _ => result,
        };
    }

    /// <summary>Tries the role as a stranger would: it is good news that AWS refuses.</summary>
    public async Task<StepResult> TryAsStrangerAsync(CancellationToken cancellationToken)
    {
        try
        {
            if (!await _key.SendAsync(
                _role!.Action,
                expectsDenial: true,
                (sends, token) => _role.AssumeAsStrangerAsync(_credentials, _key.Arn, sends, token),
                cancellationToken).ConfigureAwait(false))
            {
                return StepResult.Skip("Not tried: the host's token provider makes no token of another subject to try with.");
            }
        }
        catch (ByokKeyUnavailableException e) when (e.Reason == RoleNotAssumable)
        {
            return StepResult.Pass(IsOidc ? "The role does not admit a token of another subject." : "The role cannot be assumed without the external ID.");
        }
        catch (ByokKeyUnavailableException e) when (e.Reason == TokenRejected)
        {
            // AWS STS took the host's other token a moment ago, and looks at a token before it looks at the role: this refusal says nothing about the role.
            return WithRequest(
                new StepResult(
                    Warning, "It could not be learnt whether the role admits strangers: AWS STS does not accept the host's token of another subject.")
                {
                    Remedy = "The host's operator has to mend it; the customer cannot.",
                },
                e);
        }
        catch (ByokException e)
        {
            return WithRequest(
                new StepResult(Warning, $"It could not be learnt whether the role admits strangers. {e.Message}") { Remedy = "Verify again later." }, e);
        }

        var trust = await DescribeTrustAsync(cancellationToken).ConfigureAwait(false);
        return new StepResult(Warning, IsOidc
            ? "The role admits a token of another subject, so any other customer of the host could reach the key through it."
            : "The role can be assumed without the external ID, so anybody who guesses its ARN could have the host use the key for them.")
        {
            Remedy = $"Replace the trust policy of {Principal} by one that demands {(IsOidc ? "the token's subject" : "the external ID")}.",
            Policy = trust.Policy,
        };
    }

    private static StepResult ResultOf(KeyFinding finding) =>
        new(finding.Severity == KeyFindingSeverity.Error ? Failed : Warning, finding.Message) { Remedy = finding.Remedy };

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

    /// <summary>What to do about the role or its identity provider; the remedy stays general where the host's own token cannot be read.</summary>
    private StepResult Mend(StepResult result, RoleTrust trust) => (result.Reason, trust) switch
    {
        (TokenRejected, { Issuer: { } issuer }) => result with
        {
            Remedy = $"In account {RoleArns.AccountOf(_credentials.RoleArn!)}, the OIDC identity provider must have "
                + $"the URL {issuer} and the audience {_credentials.Audience}. "
                + "If it has, the host's token is at fault: it has expired, or is signed with a key that its issuer does not publish.",
        },
        (RoleNotAssumable, { Policy: { } policy }) => result with
        {
            Remedy = $"Give {Principal} this trust policy. If it has it already, check the role ARN{(IsOidc ? " and the audience" : " and the external ID")}.",
            Policy = policy,
        },
        _ => result,
    };

    private async Task<RoleTrust> DescribeTrustAsync(CancellationToken cancellationToken)
    {
        try
        {
            return await _key.SendAsync(
                _role!.Action, expectsDenial: false, (_, token) => _role.DescribeTrustAsync(_credentials, token), cancellationToken).ConfigureAwait(false);
        }
        catch (ByokServiceException)
        {
            return new RoleTrust(Policy: null); // the token provider worked a moment ago
        }
    }
}
