using Amazon.Runtime;
using Amazon.SecurityToken.Model;
using Scalr.Byok.Kms.Diagnostics;

namespace Scalr.Byok.Kms.Credentials;

/// <summary>Oidc: a fresh token of the host's issuer is exchanged by sts:AssumeRoleWithWebIdentity, unsigned, in the Region of the key.</summary>
internal sealed class OidcCredentialStrategy : IByokCredentialStrategy
{
    private readonly StsClients _sts;
    private readonly RoleSessions _sessions;
    private readonly IWebIdentityTokenProvider? _tokens;

    /// <param name="sts">Clients of AWS STS.</param>
    /// <param name="sessions">Makes the session renew itself.</param>
    /// <param name="tokens">The host's issuer; null if the host added none, which is a complaint as soon as a customer uses this type.</param>
    public OidcCredentialStrategy(StsClients sts, RoleSessions sessions, IWebIdentityTokenProvider? tokens = null)
    {
        _sts = sts;
        _sessions = sessions;
        _tokens = tokens;
    }

    public string Type => ByokCredentialSettings.OidcType;

    public IEnumerable<string> Validate(ByokCredentialSettings credentials)
    {
        var complaints = CredentialRules.RoleArn(credentials.RoleArn)
            .Concat(CredentialRules.Audience(credentials.Audience))
            .Concat(CredentialRules.Superfluous(credentials, Type, nameof(credentials.RoleArn), nameof(credentials.Audience)));
        return _tokens is not null
            ? complaints
            : complaints.Append($"{nameof(credentials.Type)} {Type} needs a source of tokens; the host must call {nameof(ByokBuilderExtensions.AddWebIdentityTokens)}.");
    }

    public AWSCredentials CreateCredentials(ByokCredentialSettings credentials) => Create(credentials, _sessions.DefaultRegion);

    public AWSCredentials CreateCredentials(ByokCredentialSettings credentials, KmsKeyArn keyArn) => Create(credentials, keyArn.Region);

    private SessionCredentials Create(ByokCredentialSettings credentials, string region)
    {
        var (roleArn, audience) = (credentials.RoleArn, credentials.Audience!);
        return _sessions.Create(AwsAction.AssumeRoleWithWebIdentity, async token =>
        {
            var request = new AssumeRoleWithWebIdentityRequest
            {
                RoleArn = roleArn,
                RoleSessionName = _sessions.SessionName,
                DurationSeconds = _sessions.DurationSeconds,
                WebIdentityToken = await WebIdentityTokens.GetAsync(_tokens!, audience, token).ConfigureAwait(false),
            };
            var answer = await _sts.Anonymous(region).AssumeRoleWithWebIdentityAsync(request, token).WaitAsync(token).ConfigureAwait(false);
            return answer.Credentials;
        });
    }
}
