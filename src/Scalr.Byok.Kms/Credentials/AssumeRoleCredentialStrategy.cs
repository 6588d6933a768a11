using Amazon.Runtime;
using Amazon.SecurityToken.Model;
using Scalr.Byok.Kms.Diagnostics;

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
        var (region, roleArn, externalId) = (_sessions.RegionOf(keyArns), credentials.RoleArn, credentials.ExternalId);
        return _sessions.Create(Action, region, async token =>
        {
            var answer = await AssumeAsync(region, roleArn, externalId, keyArns, token).ConfigureAwait(false);
            return (answer.Credentials, answer.AssumedRoleUser);
        });
    }

    public Task<RoleTrust> DescribeTrustAsync(ByokCredentialSettings credentials, CancellationToken cancellationToken) => Task.FromResult(
        new RoleTrust(ByokPolicies.AssumeRoleTrust(credentials.ExternalId!, _sessions.HostAccountId, RoleArns.PartitionOf(credentials.RoleArn!))));

    public async Task<bool> AssumeAsStrangerAsync(ByokCredentialSettings credentials, KmsKeyArn keyArn, CancellationToken cancellationToken)
    {
        var answer = await AssumeAsync(keyArn.Region, credentials.RoleArn, externalId: null, [keyArn], cancellationToken).ConfigureAwait(false);
        _ = _sessions.ToSession((answer.Credentials, answer.AssumedRoleUser), Action); // a 200 without a session lets nobody in
        return true;
    }

    private Task<AssumeRoleResponse> AssumeAsync(
        string region, string? roleArn, string? externalId, IReadOnlyList<KmsKeyArn> keyArns, CancellationToken cancellationToken)
    {
        var request = new AssumeRoleRequest
        {
            RoleArn = roleArn,
            ExternalId = externalId,
            RoleSessionName = _sessions.SessionName,
            DurationSeconds = _sessions.DurationSeconds,
            Policy = _sessions.PolicyFor(keyArns),
        };
        return _sts.AsHost(region).AssumeRoleAsync(request, cancellationToken).WaitAsync(cancellationToken);
    }
}
