using Amazon.Runtime;
using Amazon.SecurityToken.Model;
using Scalr.Byok.Kms.Diagnostics;
using Scalr.Byok.Kms.Resilience;

namespace Scalr.Byok.Kms.Credentials;

/// <summary>Oidc: a fresh token of the host's issuer is exchanged by sts:AssumeRoleWithWebIdentity, unsigned, in the Region of the key.</summary>
internal sealed class OidcCredentialStrategy : IByokCredentialStrategy, IRoleStrategy
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

    public string Action => AwsAction.AssumeRoleWithWebIdentity;

    public IEnumerable<string> Validate(ByokCredentialSettings credentials)
    {
        var complaints = CredentialRules.RoleArn(credentials.RoleArn)
            .Concat(CredentialRules.Audience(credentials.Audience))
            .Concat(CredentialRules.Superfluous(credentials, Type, nameof(credentials.RoleArn), nameof(credentials.Audience)));
        return _tokens is not null
            ? complaints
            : complaints.Append($"{nameof(credentials.Type)} {Type} needs a source of tokens; the host must call AddWebIdentityTokens.");
    }

    public AWSCredentials CreateCredentials(ByokCredentialSettings credentials) => CreateCredentials(credentials, []);

    public AWSCredentials CreateCredentials(ByokCredentialSettings credentials, IReadOnlyList<KmsKeyArn> keyArns)
    {
        var (region, roleArn, audience) = (_sessions.RegionOf(keyArns), credentials.RoleArn!, credentials.Audience!);
        return _sessions.Create(Action, roleArn, keyArns, async (policy, sends, token) =>
        {
            var webToken = await WebIdentityTokens.GetAsync(_tokens!, audience, token).ConfigureAwait(false);
            sends();
            return await AssumeAsync(region, roleArn, webToken, policy, token).ConfigureAwait(false);
        });
    }

    public async Task<RoleTrust> DescribeTrustAsync(ByokCredentialSettings credentials, CancellationToken cancellationToken)
    {
        var token = await WebIdentityTokens.GetAsync(_tokens!, credentials.Audience!, cancellationToken).ConfigureAwait(false);
        return WebIdentityClaims.TryRead(token, out var claims)
            ? new RoleTrust(claims.WriteTrustPolicy(credentials.RoleArn!, credentials.Audience!), claims.Issuer)
            : new RoleTrust(Policy: null);
    }

    public async Task<bool> AssumeAsStrangerAsync(ByokCredentialSettings credentials, KmsKeyArn keyArn, Action sends, CancellationToken cancellationToken)
    {
        if (await WebIdentityTokens.GetStrangerAsync(_tokens!, credentials.Audience!, cancellationToken).ConfigureAwait(false) is not { } token)
        {
            return false;
        }

        sends();
        var answer = await AssumeAsync(keyArn.Region, credentials.RoleArn, token, _sessions.PolicyFor([keyArn]), cancellationToken).ConfigureAwait(false);
        _ = _sessions.ToSession(answer, Action, credentials.RoleArn!, keyArn.Region); // a 200 without a session lets nobody in
        return true;
    }

    private async Task<RoleSessions.Grant> AssumeAsync(
        string region, string? roleArn, string webIdentityToken, string? policy, CancellationToken cancellationToken)
    {
        var request = new AssumeRoleWithWebIdentityRequest
        {
            RoleArn = roleArn,
            RoleSessionName = _sessions.SessionName,
            DurationSeconds = _sessions.DurationSeconds,
            WebIdentityToken = webIdentityToken,
            Policy = policy,
        };
        var answer = await _sts.Anonymous(region).AssumeRoleWithWebIdentityAsync(request, cancellationToken).OrAbandonAsync(cancellationToken).ConfigureAwait(false);
        return new RoleSessions.Grant(answer.Credentials, answer.AssumedRoleUser);
    }
}
