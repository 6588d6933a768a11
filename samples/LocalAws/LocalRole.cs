using LocalAws.Iam;

namespace LocalAws;

/// <summary>An IAM role: who may assume it, and what its sessions may do.</summary>
public sealed class LocalRole
{
    private static readonly TimeSpan ShortestMaximum = TimeSpan.FromHours(1);
    private static readonly TimeSpan LongestMaximum = TimeSpan.FromHours(12);

    private readonly TimeProvider _time;
    private volatile PolicyDocument _trust;
    private volatile PolicyDocument? _permissions;
    private volatile PolicyDocument? _revocation;
    private string _trustPolicy;
    private string? _policy;
    private TimeSpan _maxSessionDuration = ShortestMaximum;

    internal LocalRole(TimeProvider time, string accountId, string name, string trustPolicy)
    {
        _time = time;
        AccountId = accountId;
        Name = name;
        Arn = $"arn:aws:iam::{accountId}:role/{name}";
        _trust = PolicyDocument.ParseTrust(trustPolicy);
        _trustPolicy = trustPolicy;
    }

    /// <summary>The ARN, for example arn:aws:iam::111122223333:role/byok.</summary>
    public string Arn { get; }

    /// <summary>The name, unique in the account.</summary>
    public string Name { get; }

    /// <summary>The trust policy (JSON): who may assume the role. A change does not end existing sessions.</summary>
    /// <exception cref="FormatException">The policy is malformed, or uses what is not modelled.</exception>
    public string TrustPolicy
    {
        get => _trustPolicy;
        set
        {
            ArgumentNullException.ThrowIfNull(value);
            _trust = PolicyDocument.ParseTrust(value);
            _trustPolicy = value;
        }
    }

    /// <summary>
    /// The permission policy (JSON): what the role's sessions may do; null allows nothing. A change applies to existing sessions, too.
    /// </summary>
    /// <exception cref="FormatException">The policy is malformed, or uses what is not modelled.</exception>
    public string? Policy
    {
        get => _policy;
        set
        {
            _permissions = value is null ? null : PolicyDocument.ParsePermissions(value);
            _policy = value;
        }
    }

    /// <summary>The longest session that can be requested: 1 hour to 12 hours. Default: 1 hour.</summary>
    public TimeSpan MaxSessionDuration
    {
        get => _maxSessionDuration;
        set
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(value, ShortestMaximum);
            ArgumentOutOfRangeException.ThrowIfGreaterThan(value, LongestMaximum);
            _maxSessionDuration = value;
        }
    }

    /// <summary>
    /// Denies everything to the sessions that began before now, as IAM's "Revoke active sessions" does: with a second policy, which denies
    /// by aws:TokenIssueTime. Sessions that begin later are not affected. If the clock stands still, advance it before the call.
    /// </summary>
    public void RevokeSessions() => _revocation = PolicyDocument.ParsePermissions($$"""
        { "Version": "2012-10-17", "Statement": { "Sid": "AWSRevokeOlderSessions", "Effect": "Deny", "Action": "*", "Resource": "*",
          "Condition": { "DateLessThan": { "aws:TokenIssueTime": "{{PolicyDate.Format(_time.GetUtcNow())}}" } } } }
        """);

    internal string AccountId { get; }

    internal string RoleId { get; } = Names.Id("AROA");

    internal PolicyDocument Trust => _trust;

    internal IEnumerable<PolicyDocument> Permissions => ((PolicyDocument?[])[_permissions, _revocation]).OfType<PolicyDocument>();
}
