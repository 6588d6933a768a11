using Amazon.Runtime;
using Amazon.SecurityToken.Model;
using Scalr.Byok.Kms.Diagnostics;

namespace Scalr.Byok.Kms.Credentials;

/// <summary>AssumeRole: the host's own AWS identity calls sts:AssumeRole with the customer's external ID, in the Region of the key.</summary>
internal sealed class AssumeRoleCredentialStrategy : IByokCredentialStrategy
{
    private readonly StsClients _sts;
    private readonly RoleSessions _sessions;

    public AssumeRoleCredentialStrategy(StsClients sts, RoleSessions sessions)
    {
        _sts = sts;
        _sessions = sessions;
    }

    public string Type => ByokCredentialSettings.AssumeRoleType;

    public IEnumerable<string> Validate(ByokCredentialSettings credentials) =>
        CredentialRules.RoleArn(credentials.RoleArn)
            .Concat(CredentialRules.ExternalId(credentials.ExternalId))
            .Concat(CredentialRules.Superfluous(credentials, Type, nameof(credentials.RoleArn), nameof(credentials.ExternalId)));

    public AWSCredentials CreateCredentials(ByokCredentialSettings credentials) => Create(credentials, _sessions.DefaultRegion);

    public AWSCredentials CreateCredentials(ByokCredentialSettings credentials, KmsKeyArn keyArn) => Create(credentials, keyArn.Region);

    private SessionCredentials Create(ByokCredentialSettings credentials, string region)
    {
        var (roleArn, externalId) = (credentials.RoleArn, credentials.ExternalId);
        return _sessions.Create(AwsAction.AssumeRole, async token =>
        {
            var request = new AssumeRoleRequest
            {
                RoleArn = roleArn,
                ExternalId = externalId,
                RoleSessionName = _sessions.SessionName,
                DurationSeconds = _sessions.DurationSeconds,
            };
            var answer = await _sts.AsHost(region).AssumeRoleAsync(request, token).WaitAsync(token).ConfigureAwait(false);
            return answer.Credentials;
        });
    }
}
