using System.Globalization;
using LocalAws.Iam;
using LocalAws.Wire;

namespace LocalAws.Sts;

/// <summary>AssumeRole, and the sessions of callers that may assume the role.</summary>
internal sealed class RoleSessions
{
    private const string Action = "sts:AssumeRole";

    private static readonly TimeSpan LongestChained = TimeSpan.FromHours(1);

    private readonly Cloud _cloud;

    public RoleSessions(Cloud cloud)
    {
        _cloud = cloud;
    }

    public Answer AssumeRole(StsRequest request)
    {
        var (parameters, caller) = (request.Parameters, request.SignedBy);
        var (roleArn, sessionName, duration, externalId) =
            (parameters.RoleArn, parameters.SessionName, parameters.Duration, parameters.ExternalId);
        var sessionPolicy = ParseSessionPolicy(parameters.SessionPolicy);

        // One answer for a role that does not exist, a wrong external ID and any other denial, so that a caller cannot distinguish them.
        var facts = caller.Facts(request.Region).Add("sts:ExternalId", externalId).Add("sts:RoleSessionName", sessionName);
        if (_cloud.FindRole(roleArn) is not { } role || !MayAssume(caller, role, facts))
        {
            throw Denied($"User: {caller.Arn}", Action, roleArn);
        }

        if (caller.IsRoleSession && duration > LongestChained)
        {
            throw StsParameters.Invalid(
                "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.");
        }

        return StsService.Success("AssumeRole", Open(role, sessionName, duration, sessionPolicy));
    }

    /// <summary>The members of the result that both ways of assuming a role share.</summary>
    /// <exception cref="AwsException">ValidationError: longer than the role allows.</exception>
    public IEnumerable<(string Name, object Value)> Open(
        LocalRole role, string sessionName, TimeSpan duration, PolicyDocument? sessionPolicy)
    {
        if (duration > role.MaxSessionDuration)
        {
            throw StsParameters.Invalid("The requested DurationSeconds exceeds the MaxSessionDuration set for this role.");
        }

        var caller = Caller.Of(role, sessionName, sessionPolicy, _cloud.Now);
        var session = new Identity
        {
            AccessKeyId = Names.Id("ASIA"),
            SecretAccessKey = Names.Secret(),
            SessionToken = Names.SessionToken(),
            ExpiresAt = _cloud.Now + duration,
            Caller = caller,
        };
        _cloud.Add(session);
        return
        [
            ("Credentials", new (string, object)[]
            {
                ("AccessKeyId", session.AccessKeyId),
                ("SecretAccessKey", session.SecretAccessKey),
                ("SessionToken", session.SessionToken),
                ("Expiration", session.ExpiresAt.Value.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture)),
            }),
            ("AssumedRoleUser", new (string, object)[] { ("AssumedRoleId", caller.UserId), ("Arn", caller.Arn) }),
        ];
    }

    /// <exception cref="AwsException">MalformedPolicyDocument.</exception>
    public static PolicyDocument? ParseSessionPolicy(string? json)
    {
        try
        {
            return json is null ? null : PolicyDocument.ParsePermissions(json);
        }
        catch (FormatException error)
        {
            throw new AwsException("MalformedPolicyDocument", error.Message);
        }
    }

    public static AwsException Denied(string who, string action, string roleArn) =>
        new("AccessDenied", $"{who} is not authorized to perform: {action} on resource: {roleArn}", StatusCodes.Status403Forbidden);

    /// <summary>
    /// The role must trust the caller, and the caller's own policies must allow the step, unless the role is in the same account and
    /// trusts the caller by name.
    /// </summary>
    private static bool MayAssume(Caller caller, LocalRole role, Facts facts)
    {
        var own = caller.Decide(Action, role.Arn, facts);
        var trust = role.Trust.Decide(new PolicyRequest(Action, role.Arn, facts, principal => principal.Trusts(caller)));
        if (own == Decision.ExplicitDeny || trust != Decision.Allow)
        {
            return false;
        }

        return own == Decision.Allow
            || (caller.AccountId == role.AccountId
                && role.Trust.Decide(new PolicyRequest(Action, role.Arn, facts, principal => principal.Names(caller))) == Decision.Allow);
    }
}
