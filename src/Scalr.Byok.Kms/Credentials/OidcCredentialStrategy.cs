using Amazon.Runtime;
using Amazon.SecurityToken.Model;
using Scalr.Byok.Kms.Audit;
using Scalr.Byok.Kms.Diagnostics;
using Scalr.Byok.Kms.Resilience;

namespace Scalr.Byok.Kms.Credentials;

/// <summary>
/// Credentials of type Oidc: a new token of the host's issuer is exchanged by an unsigned sts:AssumeRoleWithWebIdentity, in the Region of
/// the key.
/// </summary>
internal sealed class OidcCredentialStrategy : IByokCredentialStrategy, IRoleStrategy
{
    private readonly StsClients _sts;
    private readonly RoleSessions _sessions;
    private readonly OidcSubjects _subjects;
    private readonly TimeProvider _time;
    private readonly IOidcTokenProvider? _tokens;

    /// <param name="sts">Clients of AWS STS.</param>
    /// <param name="sessions">Creates the role's sessions.</param>
    /// <param name="subjects">The subjects of the tokens.</param>
    /// <param name="time">The clock for the expiry of tokens.</param>
    /// <param name="tokens">
    /// The host's issuer. Null if the host added none, which is a validation error for each customer with this type.
    /// </param>
    public OidcCredentialStrategy(
        StsClients sts, RoleSessions sessions, OidcSubjects subjects, TimeProvider time, IOidcTokenProvider? tokens = null)
    {
        _subjects = subjects;
        _time = time;
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
            : complaints.Append($"{nameof(credentials.Type)} {Type} needs a source of tokens; the host must call AddOidcTokens.");
    }

    public AWSCredentials CreateCredentials(ByokCredentialSettings credentials, ByokCredentialContext context)
    {
        var roleArn = credentials.RoleArn!;
        return _sessions.Create(Action, roleArn, context, _sts.AddressOf(context.KeyArns[0].Region), async (wanted, sends, token) =>
        {
            // A new token per session. It proves the tenant to AWS STS, and is checked to be this tenant's before it is sent.
            var webToken = await OidcTokens.GetAsync(_tokens!, RequestFor(credentials, context), _time, token).ConfigureAwait(false);
            sends();
            return await AssumeAsync(context, roleArn, webToken, wanted, token).ConfigureAwait(false);
        });
    }

    public async Task<RoleTrust> DescribeTrustAsync(
        ByokCredentialSettings credentials, ByokCredentialContext context, CancellationToken cancellationToken)
    {
        var token = await OidcTokens.GetAsync(_tokens!, RequestFor(credentials, context), _time, cancellationToken).ConfigureAwait(false);
        return OidcClaims.TryRead(token, out var claims)
            ? new RoleTrust(claims.WriteTrustPolicy(credentials.RoleArn!, credentials.Audience!), claims.Issuer)
            : new RoleTrust(Policy: null);
    }

    public async Task<bool> AssumeAsStrangerAsync(
        ByokCredentialSettings credentials, ByokCredentialContext context, Action sends, CancellationToken cancellationToken)
    {
        var request = RequestFor(credentials, context);
        if (await OidcTokens.GetUnrelatedSubjectAsync(_tokens!, request, _time, cancellationToken).ConfigureAwait(false) is not { } token)
        {
            return false;
        }

        sends();
        var (region, wanted) = (context.KeyArns[0].Region, _sessions.ShortestFor(context));
        var answer = await AssumeAsync(context, credentials.RoleArn!, token, wanted, cancellationToken).ConfigureAwait(false);
        _ = _sessions.ToSession(answer, wanted, Action, credentials.RoleArn!, region); // an answer without a session grants nothing
        return true;
    }

    private async Task<RoleSessions.Grant> AssumeAsync(
        ByokCredentialContext context,
        string roleArn,
        string webIdentityToken,
        RoleSessions.Wanted wanted,
        CancellationToken cancellationToken)
    {
        var request = new AssumeRoleWithWebIdentityRequest
        {
            RoleArn = roleArn,
            RoleSessionName = wanted.Name,
            DurationSeconds = (int)wanted.Duration.TotalSeconds,
            WebIdentityToken = webIdentityToken,
            Policy = wanted.Policy,
        };
        var sts = _sts.Anonymous(context.KeyArns[0].Region);
        var sending = RingAudit.SendAsync(
            context.Audit,
            new AuditSubject(Action, context.KeyArns[0], roleArn),
            ByokAuditCause.Call,
            static (s, id) => s.sts.AssumeRoleWithWebIdentityAsync(RingAudit.Mark(s.request, id), s.cancellationToken),
            (sts, request, cancellationToken));
        var answer = await sending.WaitObservedAsync(cancellationToken).ConfigureAwait(false);
        return new RoleSessions.Grant(answer.Credentials, answer.AssumedRoleUser);
    }

    /// <summary>The request to the host's issuer. It has no subject for a token file, whose writer chose the subject.</summary>
    /// <exception cref="ByokServiceException">The ring must not get a token.</exception>
    private OidcTokenRequest RequestFor(ByokCredentialSettings credentials, ByokCredentialContext context) => new()
    {
        Tenant = context.Owner.Name,
        IsTenant = context.Owner.IsTenant,
        Subject = _tokens is FileOidcTokenProvider ? null : _subjects.Of(context.Owner),
        Audience = credentials.Audience!,
        RoleArn = credentials.RoleArn!,
        KeyArn = context.KeyArns[0],
    };
}
