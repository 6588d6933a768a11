using Amazon.Runtime;
using Amazon.SecurityToken.Model;
using Scalr.Byok.Kms.Diagnostics;
using Scalr.Byok.Kms.Resilience;

namespace Scalr.Byok.Kms.Credentials;

/// <summary>AssumeRole: the host's own AWS identity calls sts:AssumeRole with the customer's external ID, in the Region of the key.</summary>
internal sealed class AssumeRoleCredentialStrategy : IByokCredentialStrategy, IRoleStrategy
{
    private readonly StsClients _sts;
    private readonly RoleSessions _sessions;

    public AssumeRoleCredentialStrategy(StsClients sts, RoleSessions sessions)
    {
        _sts = sts;
        _sessions = sessions;
    }

    public string Type => ByokCredentialSettings.AssumeRoleType;

    public string Action => AwsAction.AssumeRole;

    public IEnumerable<string> Validate(ByokCredentialSettings credentials) =>
        CredentialRules.RoleArn(credentials.RoleArn)
            .Concat(CredentialRules.ExternalId(credentials.ExternalId))
            .Concat(CredentialRules.Superfluous(credentials, Type, nameof(credentials.RoleArn), nameof(credentials.ExternalId)));

    public AWSCredentials CreateCredentials(ByokCredentialSettings credentials) => CreateCredentials(credentials, []);

    public AWSCredentials CreateCredentials(ByokCredentialSettings credentials, IReadOnlyList<KmsKeyArn> keyArns)
    {
        var (region, roleArn, externalId) = (_sessions.RegionOf(keyArns), credentials.RoleArn!, credentials.ExternalId);
        return _sessions.Create(Action, roleArn, keyArns, async (policy, sends, token) =>
        {
            sends();
            var answer = await AssumeAsync(region, roleArn, externalId, policy, token).ConfigureAwait(false);
            return new RoleSessions.Grant(answer.Credentials, answer.AssumedRoleUser);
        });
    }

    public Task<RoleTrust> DescribeTrustAsync(ByokCredentialSettings credentials, CancellationToken cancellationToken) => Task.FromResult(
        new RoleTrust(ByokPolicies.AssumeRoleTrust(credentials.ExternalId!, _sessions.HostAccountId, RoleArns.PartitionOf(credentials.RoleArn!))));

    public async Task<bool> AssumeAsStrangerAsync(ByokCredentialSettings credentials, KmsKeyArn keyArn, Action sends, CancellationToken cancellationToken)
    {
        sends();
        var policy = _sessions.PolicyFor([keyArn]);
        var answer = await AssumeAsync(keyArn.Region, credentials.RoleArn, externalId: null, policy, cancellationToken).ConfigureAwait(false);
        _ = _sessions.ToSession(new RoleSessions.Grant(answer.Credentials, answer.AssumedRoleUser), Action, credentials.RoleArn!, keyArn.Region); // a 200 without a session lets nobody in
        return true;
    }

    private Task<AssumeRoleResponse> AssumeAsync(
        string region, string? roleArn, string? externalId, string? policy, CancellationToken cancellationToken)
    {
        var request = new AssumeRoleRequest
        {
            RoleArn = roleArn,
            ExternalId = externalId,
            RoleSessionName = _sessions.SessionName,
            DurationSeconds = _sessions.DurationSeconds,
            Policy = policy,
        };
        return _sts.AsHost(region).AssumeRoleAsync(request, cancellationToken).OrAbandonAsync(cancellationToken);
    }
}
