using Scalr.Byok.Kms.Credentials;
using Scalr.Byok.Kms.Diagnostics;
using Scalr.Byok.Kms.Health;
using Scalr.Byok.Kms.Kms;
using static Scalr.Byok.Kms.ByokKeyUnavailableReason;
using static Scalr.Byok.Kms.ByokVerificationOutcome;

namespace Scalr.Byok.Kms.Verification;

/// <summary>What to say about one key's refusals, and what to do about them, with this customer's own values filled in.</summary>
internal sealed class VerificationAdvice
{
    private readonly KmsKeyArn _key;
    private readonly ByokCredentialSettings _credentials;
    private readonly IEnumerable<string> _replicaRegions;
    private readonly IRoleStrategy? _role;

    /// <param name="key">The key.</param>
    /// <param name="credentials">What the customer typed to reach it.</param>
    /// <param name="replicaRegions">The Regions of its replicas.</param>
    /// <param name="role">The strategy, if it assumes a role.</param>
    public VerificationAdvice(KmsKeyArn key, ByokCredentialSettings credentials, IEnumerable<string> replicaRegions, IRoleStrategy? role)
    {
        _key = key;
        _credentials = credentials;
        _replicaRegions = replicaRegions;
        _role = role;
    }

    private string Principal => string.IsNullOrEmpty(_credentials.RoleArn) ? "the IAM user of the access key" : $"the role {_credentials.RoleArn}";

    private string Permissions => ByokPolicies.KeyPermissions(_key, _replicaRegions);

    /// <summary>The step's result from what kms:DescribeKey told: its worst finding, if that is bad.</summary>
    public static StepResult Judge(KeyHealth health, string allWell) => health.Findings is [{ Severity: not KeyFindingSeverity.Information } worst, ..]
        ? new StepResult(worst.Severity == KeyFindingSeverity.Error ? Failed : Warning, worst.Message) { Remedy = worst.Remedy, Reason = health.Reason }
        : StepResult.Pass(allWell);

    /// <summary>What AWS refused or failed to do.</summary>
    public async Task<StepResult> ExplainAsync(ByokException error, CancellationToken cancellationToken)
    {
        if (error is ByokDecryptionException)
        {
            return StepResult.Fail("kms:Decrypt refuses what kms:Encrypt has just made.", "Check that the replica belongs to the key, and the endpoint that the host uses for AWS KMS.");
        }

        var finding = KeyProbe.Finding(error);
        var result = new StepResult(finding.Severity == KeyFindingSeverity.Error ? Failed : Warning, finding.Message) { Remedy = finding.Remedy };
        if (error is ByokServiceException service)
        {
            return result with { Operation = service.Operation, RequestId = service.RequestId };
        }

        var refusal = (ByokKeyUnavailableException)error;
        result = result with { Reason = refusal.Reason, Operation = refusal.Operation, RequestId = refusal.RequestId };
        return refusal.Reason switch
        {
            AccessDenied => result with
            {
                Remedy = $"Attach this permission policy to {Principal}: it allows {refusal.Operation}. If it is there already, see that the key policy denies nothing.",
                Policy = Permissions,
            },
            KeyNotFound when refusal.KeyArn.IsReplicaOf(_key) => Missing(result, refusal.KeyArn.Region),
            RoleNotAssumable or TokenRejected when _role is not null => Mend(result, await DescribeTrustAsync(cancellationToken).ConfigureAwait(false)),
            _ => result,
        };
    }

    /// <summary>Tries the role as a stranger would: it is good news that AWS refuses.</summary>
    public async Task<StepResult> TryAsStrangerAsync(WrappingKey key, CancellationToken cancellationToken)
    {
        var isOidc = _role!.Action == AwsAction.AssumeRoleWithWebIdentity;
        try
        {
            var step = new GuardedCalls.Step { Action = _role.Action, IsRefusalHopedFor = true };
            if (!await key.Calls.RunAsync(step, token => _role.AssumeAsStrangerAsync(_credentials, _key, token), cancellationToken).ConfigureAwait(false))
            {
                return StepResult.Skip("Not tried: the host's token provider makes no token of another subject to try with.");
            }
        }
        catch (ByokKeyUnavailableException e) when (e.Reason is RoleNotAssumable or TokenRejected)
        {
            return StepResult.Pass(isOidc ? "The role does not admit a token of another subject." : "The role cannot be assumed without the external ID.");
        }
        catch (ByokException e)
        {
            return new StepResult(Warning, $"It could not be learnt whether the role admits strangers. {e.Message}") { Remedy = "Verify again later." };
        }

        var trust = await DescribeTrustAsync(cancellationToken).ConfigureAwait(false);
        return new StepResult(Warning, isOidc
            ? "The role admits a token of another subject, so any other customer of the host could reach the key through it."
            : "The role can be assumed without the external ID, so anybody who guesses its ARN could have the host use the key for them.")
        {
            Remedy = $"Replace the trust policy of {Principal} by one that demands {(isOidc ? "the token's subject" : "the external ID")}.",
            Policy = trust.Policy,
        };
    }

    private static StepResult Missing(StepResult result, string region)
    {
        var finding = KeyExamination.ReplicaMissing(region);
        return result with { Message = finding.Message, Remedy = finding.Remedy };
    }

    private StepResult Mend(StepResult result, RoleTrust trust) => result.Reason == TokenRejected
        ? result with
        {
            Remedy = trust.Issuer is null
                ? result.Remedy
                : $"In account {RoleArns.AccountOf(_credentials.RoleArn!)}, the OIDC identity provider must have the URL {trust.Issuer} and the audience {_credentials.Audience}. "
                    + "If it has, the host's token is at fault: it has expired, or is signed with a key that its issuer does not publish.",
        }
        : result with
        {
            Remedy = $"Give {Principal} this trust policy. If it has it already, check the role ARN{(trust.Issuer is null ? " and the external ID" : " and the audience")}.",
            Policy = trust.Policy,
        };

    private async Task<RoleTrust> DescribeTrustAsync(CancellationToken cancellationToken)
    {
        try
        {
            return await _role!.DescribeTrustAsync(_credentials, cancellationToken).ConfigureAwait(false);
        }
        catch (ByokServiceException)
        {
            return new RoleTrust(Policy: null); // the token provider worked a moment ago
        }
    }
}
