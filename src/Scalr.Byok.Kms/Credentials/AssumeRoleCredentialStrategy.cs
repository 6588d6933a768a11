using Amazon.Runtime;
using Amazon.SecurityToken.Model;
using Scalr.Byok.Kms.Audit;
using Scalr.Byok.Kms.Diagnostics;
using Scalr.Byok.Kms.Resilience;

namespace Scalr.Byok.Kms.Credentials;

/// <summary>
/// Credentials of type AssumeRole: the host's own AWS identity calls sts:AssumeRole with the external ID, in the Region of the key.
/// </summary>
internal sealed class AssumeRoleCredentialStrategy : IByokCredentialStrategy, IRoleStrategy
{
    private readonly Lazy<StsClients> _sts;
    private readonly Lazy<RoleSessions> _sessions;

    /// <param name="sts">Clients of AWS STS. Made when settings of this type appear, as are the sessions.</param>
    /// <param name="sessions">Creates the role's sessions.</param>
    public AssumeRoleCredentialStrategy(Lazy<StsClients> sts, Lazy<RoleSessions> sessions)
    {
        _sts = sts;
        _sessions = sessions;
    }

    public string Type => ByokCredentialSettings.AssumeRoleType;

    public string Action => AwsAction.AssumeRole;

    private RoleSessions Sessions => _sessions.Value;

    public IEnumerable<string> Validate(ByokCredentialSettings credentials)
    {
        var errors = new List<string>();
        CredentialRules.RoleArn(errors, credentials.RoleArn);
        CredentialRules.ExternalId(errors, credentials.ExternalId);
        CredentialRules.Superfluous(errors, credentials, Type, nameof(credentials.RoleArn), nameof(credentials.ExternalId));
        if (Sessions.HostAccountId is null)
        {
            errors.Add(
                $"{nameof(credentials.Type)} {Type} needs the AWS account of the host; "
                    + $"the host must set {nameof(ByokOptions.HostAccountId)} in the options of AddScalrByok.");
        }

        return errors;
    }

    public AWSCredentials CreateCredentials(ByokCredentialSettings credentials, ByokCredentialContext context) => Sessions.Create(
        this,
        new AssumedRole(credentials.RoleArn!, credentials.ExternalId, Audience: null, context),
        _sts.Value.AddressOf(context.KeyArns[0].Region));

    public async Task<RoleSessions.Grant> AssumeAsync(
        AssumedRole role, RoleSessions.Wanted wanted, Action sends, CancellationToken cancellationToken)
    {
        sends();
        var answer = await AssumeAsync(role.Context, role.Arn, role.ExternalId, wanted, cancellationToken).ConfigureAwait(false);
        return new RoleSessions.Grant(answer.Credentials, answer.AssumedRoleUser);
    }

    public Task<RoleTrust> DescribeTrustAsync(
        ByokCredentialSettings credentials, ByokCredentialContext context, CancellationToken cancellationToken) =>
        Task.FromResult(new RoleTrust(
            ByokPolicies.AssumeRoleTrust(credentials.ExternalId!, Sessions.HostAccountId!, RoleArns.PartitionOf(credentials.RoleArn!))));

    public async Task<bool> AssumeAsStrangerAsync(
        ByokCredentialSettings credentials, ByokCredentialContext context, Action sends, CancellationToken cancellationToken)
    {
        sends();
        var (region, wanted) = (context.KeyArns[0].Region, Sessions.ShortestFor(context));
        var answer = await AssumeAsync(context, credentials.RoleArn!, externalId: null, wanted, cancellationToken).ConfigureAwait(false);

        // An answer without a session grants nothing.
        _ = Sessions.ToSession(
            new RoleSessions.Grant(answer.Credentials, answer.AssumedRoleUser), wanted, Action, credentials.RoleArn!, region);
        return true;
    }

    private Task<AssumeRoleResponse> AssumeAsync(
        ByokCredentialContext context,
        string roleArn,
        string? externalId,
        RoleSessions.Wanted wanted,
        CancellationToken cancellationToken)
    {
        var request = new AssumeRoleRequest
        {
            RoleArn = roleArn,
            ExternalId = externalId,
            RoleSessionName = wanted.Name,
            DurationSeconds = (int)wanted.Duration.TotalSeconds,
            Policy = wanted.Policy,
        };
        var sts = _sts.Value.AsHost(context.KeyArns[0].Region);
        var sending = RingAudit.SendAsync(
            context.Audit,
            new AuditSubject(Action, context.KeyArns[0], roleArn),
            ByokAuditCause.Call,
            static (s, id) => s.sts.AssumeRoleAsync(RingAudit.Mark(s.request, id), s.cancellationToken),
            (sts, request, cancellationToken));
        return sending.WaitObservedAsync(cancellationToken);
    }
}
