using System.Diagnostics.CodeAnalysis;
using LocalAws.Wire;

namespace LocalAws.Iam;

/// <summary>The principal behind a verified signature, with the policies that decide what it may do.</summary>
internal sealed class Caller
{
    private readonly Func<IEnumerable<PolicyDocument>> _permissions;
    private readonly PolicyDocument? _sessionPolicy;
    private readonly DateTimeOffset? _issuedAt;

    private Caller(
        string accountId,
        string arn,
        string principalArn,
        string userId,
        Func<IEnumerable<PolicyDocument>> permissions,
        PolicyDocument? sessionPolicy = null,
        DateTimeOffset? issuedAt = null)
    {
        AccountId = accountId;
        Arn = arn;
        PrincipalArn = principalArn;
        UserId = userId;
        _permissions = permissions;
        _sessionPolicy = sessionPolicy;
        _issuedAt = issuedAt;
    }

    public string AccountId { get; }

    /// <summary>A user's ARN, or the assumed-role ARN of a session.</summary>
    public string Arn { get; }

    /// <summary>A user's ARN, or the ARN of the role behind a session: what policies name.</summary>
    public string PrincipalArn { get; }

    public string UserId { get; }

    public bool IsRoleSession => Arn != PrincipalArn;

    // The policy is read at each decision: a permission that is taken away ends running sessions' use of it, too.
    public static Caller Of(LocalUser user) => new(user.AccountId, user.Arn, user.Arn, user.UserId, () => user.Permissions);

    public static Caller Of(LocalRole role, string sessionName, PolicyDocument? sessionPolicy, DateTimeOffset issuedAt) => new(
        role.AccountId,
        $"arn:aws:sts::{role.AccountId}:assumed-role/{role.Name}/{sessionName}",
        role.Arn,
        $"{role.RoleId}:{sessionName}",
        () => role.Permissions,
        sessionPolicy,
        issuedAt);

    /// <summary>What the caller's own policies say, the session policy as a second sieve.</summary>
    public Decision Decide(string action, string resource, Facts facts)
    {
        var request = new PolicyRequest(action, resource, facts);
        var decision = PolicyDocument.Decide(_permissions(), request);
        return _sessionPolicy is null || decision == Decision.ExplicitDeny
            ? decision
            : _sessionPolicy.Decide(request) switch
            {
                Decision.ExplicitDeny => Decision.ExplicitDeny,
                Decision.Allow => decision,
                _ => Decision.ImplicitDeny,
            };
    }

    /// <exception cref="AwsException">AccessDeniedException, unless the policies allow the action.</exception>
    public void Demand(string action, string resource, Facts facts)
    {
        var decision = Decide(action, resource, facts);
        if (decision != Decision.Allow)
        {
            ThrowDenied(action, resource, decision == Decision.ExplicitDeny
                ? "a policy of the principal denies it explicitly"
                : "no policy of the principal allows it");
        }
    }

    [DoesNotReturn]
    public void ThrowDenied(string action, string resource, string because) =>
        throw new AwsException(
            "AccessDeniedException", $"User: {Arn} is not authorized to perform: {action} on resource: {resource} because {because}");

    /// <summary>The facts that hold for every request of this caller.</summary>
    public Facts Facts(string region) => new Facts()
        .Add("aws:PrincipalArn", PrincipalArn)
        .Add("aws:PrincipalAccount", AccountId)
        .Add("aws:RequestedRegion", region)
        .Add("aws:TokenIssueTime", _issuedAt is { } issuedAt ? PolicyDate.Format(issuedAt) : null);
}
