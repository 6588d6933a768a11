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
    private readonly StsClients _sts;
    private readonly RoleSessions _sessions;

    public AssumeRoleCredentialStrategy(StsClients sts, RoleSessions sessions)
    {
        _sts = sts;
        _sessions = sessions;
    }

    public string Type => ByokCredentialSettings.AssumeRoleType;

    public string Action => AwsAction.AssumeRole;

    public IEnumerable<string> Validate(ByokCredentialSettings credentials)
    {
        var complaints = CredentialRules.RoleArn(credentials.RoleArn)
            .Concat(CredentialRules.ExternalId(credentials.ExternalId))
            .Concat(CredentialRules.Superfluous(credentials, Type, nameof(credentials.RoleArn), nameof(credentials.ExternalId)));
        return _sessions.HostAccountId is not null
            ? complaints
            : complaints.Append(
                $"{nameof(credentials.Type)} {Type} needs the AWS account of the host; "
                    + $"the host must set {nameof(ByokOptions.HostAccountId)} in the options of AddScalrByok.");
    }

    public AWSCredentials CreateCredentials(ByokCredentialSettings credentials, ByokCredentialContext context)
    {
        var (roleArn, externalId) = (credentials.RoleArn!, credentials.ExternalId);
        return _sessions.Create(Action, roleArn, context, _sts.AddressOf(context.KeyArns[0].Region), async (wanted, sends, token) =>
        {
            sends();
            var answer = await AssumeAsync(context, roleArn, externalId, wanted, token).ConfigureAwait(false);
            return new RoleSessions.Grant(answer.Credentials, answer.AssumedRoleUser);
        });
    }

    public Task<RoleTrust> DescribeTrustAsync(
        ByokCredentialSettings credentials, ByokCredentialContext context, CancellationToken cancellationToken) =>
        Task.FromResult(new RoleTrust(
            ByokPolicies.AssumeRoleTrust(credentials.ExternalId!, _sessions.HostAccountId!, RoleArns.PartitionOf(credentials.RoleArn!))));

    public async Task<bool> AssumeAsStrangerAsync(
        ByokCredentialSettings credentials, ByokCredentialContext context, Action sends, CancellationToken cancellationToken)
    {
        sends();
        var (region, wanted) = (context.KeyArns[0].Region, _sessions.ShortestFor(context));
        var answer = await AssumeAsync(context, credentials.RoleArn!, externalId: null, wanted, cancellationToken).ConfigureAwait(false);

        // An answer without a session grants nothing.
        _ = _sessions.ToSession(
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
        var sts = _sts.AsHost(context.KeyArns[0].Region);
        var sending = RingAudit.SendAsync(
            context.Audit,
            new AuditSubject(Action, context.KeyArns[0], roleArn),
            ByokAuditCause.Call,
            static (s, id) => s.sts.AssumeRoleAsync(RingAudit.Mark(s.request, id), s.cancellationToken),
            (sts, request, cancellationToken));
        return sending.WaitObservedAsync(cancellationToken);
    }
}
