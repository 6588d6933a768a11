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
    private readonly Lazy<StsClients> _sts;
    private readonly Lazy<RoleSessions> _sessions;
    private readonly Lazy<OidcSubjects> _subjects;
    private readonly TimeProvider _time;
    private readonly IOidcTokenProvider? _tokens;

    /// <param name="sts">Clients of AWS STS. Made when settings of this type appear, as are the next two.</param>
    /// <param name="sessions">Creates the role's sessions.</param>
    /// <param name="subjects">The subjects of the tokens.</param>
    /// <param name="time">The clock for the expiry of tokens.</param>
    /// <param name="tokens">
    /// The host's issuer. Null if the host added none, which is a validation error for each customer with this type.
    /// </param>
    public OidcCredentialStrategy(
        Lazy<StsClients> sts,
        Lazy<RoleSessions> sessions,
        Lazy<OidcSubjects> subjects,
        TimeProvider time,
        IOidcTokenProvider? tokens = null)
    {
        _subjects = subjects;
        _time = time;
        _sts = sts;
        _sessions = sessions;
        _tokens = tokens;
    }

    public string Type => ByokCredentialSettings.OidcType;

    public string Action => AwsAction.AssumeRoleWithWebIdentity;

    private RoleSessions Sessions => _sessions.Value;

    public IEnumerable<string> Validate(ByokCredentialSettings credentials)
    {
        var errors = new List<string>();
        CredentialRules.RoleArn(errors, credentials.RoleArn);
        CredentialRules.Audience(errors, credentials.Audience);
        CredentialRules.Superfluous(errors, credentials, Type, nameof(credentials.RoleArn), nameof(credentials.Audience));
        if (_tokens is null)
        {
            errors.Add($"{nameof(credentials.Type)} {Type} needs a source of tokens; the host must call AddOidcTokens.");
        }

        return errors;
    }

    public AWSCredentials CreateCredentials(ByokCredentialSettings credentials, ByokCredentialContext context)
    {
        _ = _subjects.Value; // now, because a session may also begin while the host stops
        return Sessions.Create(this, RoleOf(credentials, context), _sts.Value.AddressOf(context.KeyArns[0].Region));
    }

    public async Task<RoleSessions.Grant> AssumeAsync(
        AssumedRole role, RoleSessions.Wanted wanted, Action sends, CancellationToken cancellationToken)
    {
        // A new token per session. It proves the tenant to AWS STS, and is checked to be this tenant's before it is sent.
        var token = await OidcTokens.GetAsync(_tokens!, RequestFor(role), _time, cancellationToken).ConfigureAwait(false);
        sends();
        return await AssumeAsync(role, token, wanted, cancellationToken).ConfigureAwait(false);
    }

    public async Task<RoleTrust> DescribeTrustAsync(
        ByokCredentialSettings credentials, ByokCredentialContext context, CancellationToken cancellationToken)
    {
        var request = RequestFor(RoleOf(credentials, context));
        var token = await OidcTokens.GetAsync(_tokens!, request, _time, cancellationToken).ConfigureAwait(false);
        return OidcClaims.TryRead(token, out var claims)
            ? new RoleTrust(claims.WriteTrustPolicy(credentials.RoleArn!, credentials.Audience!), claims.Issuer)
            : new RoleTrust(Policy: null);
    }

    public async Task<bool> AssumeAsStrangerAsync(
        ByokCredentialSettings credentials, ByokCredentialContext context, Action sends, CancellationToken cancellationToken)
    {
        var role = RoleOf(credentials, context);
        var request = RequestFor(role);
        if (await OidcTokens.GetUnrelatedSubjectAsync(_tokens!, request, _time, cancellationToken).ConfigureAwait(false) is not { } token)
        {
            return false;
        }

        sends();
        var (region, wanted) = (context.KeyArns[0].Region, Sessions.ShortestFor(context));
        var answer = await AssumeAsync(role, token, wanted, cancellationToken).ConfigureAwait(false);
        _ = Sessions.ToSession(answer, wanted, Action, role.Arn, region); // an answer without a session grants nothing
        return true;
    }

    private async Task<RoleSessions.Grant> AssumeAsync(
        AssumedRole role, string webIdentityToken, RoleSessions.Wanted wanted, CancellationToken cancellationToken)
    {
        var context = role.Context;
        var request = new AssumeRoleWithWebIdentityRequest
        {
            RoleArn = role.Arn,
            RoleSessionName = wanted.Name,
            DurationSeconds = (int)wanted.Duration.TotalSeconds,
            WebIdentityToken = webIdentityToken,
            Policy = wanted.Policy,
        };
        var sts = _sts.Value.Anonymous(context.KeyArns[0].Region);
        var sending = RingAudit.SendAsync(
            context.Audit,
            new AuditSubject(Action, context.KeyArns[0], role.Arn),
            ByokAuditCause.Call,
            static (s, id) => s.sts.AssumeRoleWithWebIdentityAsync(RingAudit.Mark(s.request, id), s.cancellationToken),
            (sts, request, cancellationToken));
        var answer = await sending.WaitObservedAsync(cancellationToken).ConfigureAwait(false);
        return new RoleSessions.Grant(answer.Credentials, answer.AssumedRoleUser);
    }

    /// <summary>The request to the host's issuer. It has no subject for a token file, whose writer chose the subject.</summary>
    /// <exception cref="ByokServiceException">The ring must not get a token.</exception>
    private OidcTokenRequest RequestFor(AssumedRole role) => new()
    {
        Tenant = role.Context.Owner.Name,
        IsTenant = role.Context.Owner.IsTenant,
        Subject = _tokens is FileOidcTokenProvider ? null : _subjects.Value.Of(role.Context.Owner),
        Audience = role.Audience!,
        RoleArn = role.Arn,
        KeyArn = role.Context.KeyArns[0],
    };

    private static AssumedRole RoleOf(ByokCredentialSettings credentials, ByokCredentialContext context) =>
        new(credentials.RoleArn!, ExternalId: null, credentials.Audience, context);
}
