using System.Diagnostics;
using Amazon.Runtime;
using Amazon.SecurityToken;
using Amazon.SecurityToken.Model;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Scalr.Byok.Kms.Errors;
using Scalr.Byok.Kms.Resilience;
using Scalr.Byok.Kms.Settings;

namespace Scalr.Byok.Kms.Credentials;

/// <summary>The common part of the strategies that assume a role: the request to AWS STS and the check of its answer.</summary>
internal sealed class RoleSessions
{
    /// <summary>The longest session policy that AWS STS accepts, in characters (API reference of sts:AssumeRole).</summary>
    private const int LongestPolicy = 2048;

    /// <summary>
    /// The duration that AWS STS grants for every role: a role's maximum is at least 1 hour (IAM User Guide), with role chaining it is 1
    /// hour.
    /// </summary>
    private static readonly TimeSpan AlwaysGranted = TimeSpan.FromHours(1);

    // The shortest duration that AWS STS accepts (API reference of sts:AssumeRole).
    private static readonly TimeSpan ShortestDuration = TimeSpan.FromMinutes(15);

    /// <summary>
    /// How long a role's maximum is remembered: long enough to save requests, short enough to notice a new maximum.
    /// </summary>
    private static readonly TimeSpan ShortenedFor = TimeSpan.FromHours(1);

    private readonly ByokOptions _options;
    private readonly AwsPipeline _pipeline;
    private readonly SessionStarts _starts;
    private readonly AgeClock _clock;
    private readonly ILogger<RoleSessions> _logger;

    public RoleSessions(
        IOptions<ByokOptions> options, AwsPipeline pipeline, SessionStarts starts, AgeClock clock, ILogger<RoleSessions> logger)
    {
        _options = options.Value;
        _pipeline = pipeline;
        _starts = starts;
        _clock = clock;
        _logger = logger;
    }

    /// <summary>The host's AWS account, which trust policies name; null if the host did not set it.</summary>
    public string? HostAccountId => _options.HostAccountId;

    /// <summary>The session policy: only the actions of this library, on these keys. Null if the host turned it off.</summary>
    /// <remarks>Has all keys if AWS STS accepts the length, otherwise only the first key, which the session is used for.</remarks>
    public string? PolicyFor(IReadOnlyList<KmsKeyArn> keyArns)
    {
        if (!_options.RestrictSessions)
        {
            return null;
        }

        var policy = ByokPolicies.SessionPolicy(keyArns);

        // A session policy only narrows the role, so a session for the first key alone never has more permissions.
        return policy.Length <= LongestPolicy ? policy : ByokPolicies.SessionPolicy([keyArns[0]]);
    }

    /// <summary>A request for the shortest session that AWS STS grants, for a trial that is discarded.</summary>
    public Wanted ShortestFor(ByokCredentialContext context) =>
        new(NameFor(context), ShortestDuration, PolicyFor([context.KeyArns[0]]), Shortening: null);

    /// <summary>Creates the sessions of a role.</summary>
    /// <param name="strategy">Calls AWS STS.</param>
    /// <param name="role">The role.</param>
    /// <param name="address">The address of AWS STS, for messages; null if it is not known.</param>
    public SessionCredentials Create(IRoleStrategy strategy, AssumedRole role, string? address) =>
        new(new RoleSource(this, strategy, role), strategy.Action, _pipeline, _starts, _clock, _logger)
        {
            Address = address,
            Owner = role.Context.Owner,
            Audit = role.Context.Audit,
        };

    /// <summary>Checks the answer of AWS STS and returns its session.</summary>
    /// <exception cref="ByokServiceException">The answer has no usable session.</exception>
    public AwsSession ToSession(Grant granted, Wanted wanted, string operation, string roleArn, string region)
    {
        var answer = granted.Credentials;

        // A proxy that answers 200 to everything sends no credentials. That is an outage, not a denial by the customer.
        if (answer is not { AccessKeyId.Length: > 0, SecretAccessKey.Length: > 0, SessionToken.Length: > 0, Expiration: { } expiration })
        {
            throw new ByokServiceException($"AWS STS answered {operation} without complete credentials. Try again later.")
            {
                Operation = operation,
                Region = region,
                FailureKind = ServiceFailureKind.Outage,
            };
        }

        // Trust boundary: an answer that a proxy mixed up would sign one customer's requests as another customer's role.
        if (granted.User?.Arn != RoleArns.SessionArn(roleArn, wanted.Name))
        {
            throw new ByokServiceException(
                $"AWS STS answered {operation} with a session of another role than the requested one. The session was not used. Try "
                + "again later.")
            {
                Operation = operation,
                Region = region,
                FailureKind = ServiceFailureKind.Outage,
            };
        }

        var ends = new DateTimeOffset(expiration.ToUniversalTime());

        // Such a session would be replaced at once, again and again. The error says what is wrong instead.
        if (ends <= _clock.Time.GetUtcNow())
        {
            throw new ByokServiceException(
                $"AWS STS answered {operation} with a session that has already expired by this machine's clock. Check the clock.",
                isTransient: false)
            {
                Operation = operation,
                Region = region,
            };
        }

        // From here on these credentials are in strings and in the AWS SDK's objects, which cannot be erased. They expire with the session.
        return new AwsSession(new SessionAWSCredentials(
            answer.AccessKeyId, answer.SecretAccessKey, answer.SessionToken), ends, granted.User.Arn)
        {
            Shortening = wanted.Shortening,
        };
    }

    private string NameFor(ByokCredentialContext context) => SessionNames.For(_options.RoleSessionName, context.Tenant);

    /// <summary>
    /// Whether AWS STS does not grant the duration: "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."
    /// </summary>
    private static bool SaysTooLong(AmazonSecurityTokenServiceException error, Wanted wanted) =>
        wanted.Duration > AlwaysGranted && error.ErrorCode == "ValidationError"
        && error.Message.Contains("DurationSeconds exceeds", StringComparison.OrdinalIgnoreCase);

    /// <summary>The requests for sessions of one role.</summary>
    /// <remarks>
    /// AWS STS packs policies before it measures them, by rules that it does not publish. If the policy with all keys is too large, later
    /// sessions are for the first key only. If the role does not allow the duration, sessions last one hour for the next hour.
    /// </remarks>
    private sealed class RoleSource(RoleSessions sessions, IRoleStrategy strategy, AssumedRole role) : ISessionSource
    {
        // Only BeginAsync changes these fields, and SessionCredentials runs it once at a time. So they need no lock.
        private bool _isForAllKeys = true;
        private SessionShortening? _shortening;
        private long _shortenedUntil = long.MinValue;

        public string Region => role.Context.KeyArns[0].Region;

        public async Task<AwsSession> BeginAsync(Action sends, CancellationToken cancellationToken)
        {
            var context = role.Context;
            _shortening = sessions._clock.Now < _shortenedUntil ? _shortening : null;

            // At most three requests: each catch below changes what it depends on, so it applies once.
            while (true)
            {
                // Written again for each session: thousands of customers would keep thousands of policies.
                var policy = sessions.PolicyFor(_isForAllKeys ? context.KeyArns : [context.KeyArns[0]]);
                var wanted = new Wanted(
                    sessions.NameFor(context), _shortening?.Used ?? sessions._options.SessionDuration, policy, _shortening);
                try
                {
                    var granted = await strategy.AssumeAsync(role, wanted, sends, cancellationToken).ConfigureAwait(false);
                    return sessions.ToSession(granted, wanted, strategy.Action, role.Arn, Region);
                }
                catch (AmazonSecurityTokenServiceException e) when (
                    _isForAllKeys && policy != sessions.PolicyFor([context.KeyArns[0]])
                    && e.ErrorCode is "PackedPolicyTooLarge" or "PackedPolicyTooLargeException")
                {
                    // AWS STS packs the policy into a limited space. A session for the present key alone needs less of it.
                    _isForAllKeys = false;
                }
                catch (AmazonSecurityTokenServiceException e) when (SaysTooLong(e, wanted))
                {
                    // The message of AWS STS: "… exceeds the 1 hour session limit for roles assumed by role chaining."
                    var isChained = e.Message.Contains("role chaining", StringComparison.OrdinalIgnoreCase);
                    _shortening = new SessionShortening(sessions._options.SessionDuration, AlwaysGranted, isChained);
                    _shortenedUntil = sessions._clock.Now + ShortenedFor.Ticks;
                }
            }
        }
    }

    /// <summary>A request to AWS STS.</summary>
    /// <param name="Name">The session's name.</param>
    /// <param name="Duration">The duration of the session. Always sent, because AWS STS has its own default.</param>
    /// <param name="Policy">The session policy; null for none.</param>
    /// <param name="Shortening">Why the duration is not that of the options; null if it is.</param>
    internal sealed record Wanted(string Name, TimeSpan Duration, string? Policy, SessionShortening? Shortening);

    /// <summary>The answer of AWS STS. Without both parts it is unusable.</summary>
    internal readonly record struct Grant(Amazon.SecurityToken.Model.Credentials? Credentials, AssumedRoleUser? User)
    {
        /// <summary>Overridden because a record's default would print the credentials.</summary>
        public override string ToString() => nameof(Grant);
    }
}
