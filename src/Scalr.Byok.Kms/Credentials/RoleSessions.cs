using System.Diagnostics;
using Amazon.Runtime;
using Amazon.SecurityToken;
using Amazon.SecurityToken.Model;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Scalr.Byok.Kms.Errors;
using Scalr.Byok.Kms.Resilience;

namespace Scalr.Byok.Kms.Credentials;

/// <summary>What the two strategies that assume a role have in common: the request's limits, the Region to ask, and the session that comes back.</summary>
internal sealed class RoleSessions
{
    /// <summary>The longest session policy that AWS STS takes, in characters (API reference of sts:AssumeRole).</summary>
    private const int LongestPolicy = 2048;

    private readonly ByokOptions _options;
    private readonly AwsPipeline _pipeline;
    private readonly SessionStarts _starts;
    private readonly AgeClock _clock;
    private readonly ILogger<RoleSessions> _logger;

    public RoleSessions(IOptions<ByokOptions> options, AwsPipeline pipeline, SessionStarts starts, AgeClock clock, ILogger<RoleSessions> logger)
    {
        _options = options.Value;
        _pipeline = pipeline;
        _starts = starts;
        _clock = clock;
        _logger = logger;
    }

    public string SessionName => CredentialRules.SessionName(_options.RoleSessionName);

    // Always explicit: left out, a session that STS keeps short is renewed on every call by the AWS SDK's own rules, and 1 hour is not everybody's.
    public int DurationSeconds => (int)_options.SessionDuration.TotalSeconds;

    /// <summary>The host's AWS account, which trust policies name.</summary>
    public string HostAccountId => _options.HostAccountId;

    /// <summary>The Region to ask: that of the key the session is for, or the first allowed one where no key is told.</summary>
    public string RegionOf(IReadOnlyList<KmsKeyArn> keyArns) => keyArns is [var key, ..] ? key.Region : _options.AllowedRegions[0];

    /// <summary>The session policy: no more than what the library does, on these keys; null where the host turned it off, or no key is told.</summary>
    /// <remarks>All keys where they fit in what AWS STS takes, else the first alone, which is the one that the session will be used for.</remarks>
    public string? PolicyFor(IReadOnlyList<KmsKeyArn> keyArns)
    {
        if (!_options.RestrictSessions || keyArns is not [var key, ..])
        {
            return null;
        }

        var policy = ByokPolicies.SessionPolicy(keyArns);
        return policy.Length <= LongestPolicy ? policy : ByokPolicies.SessionPolicy([key]);
    }

    /// <summary>Sessions of a role for these keys.</summary>
    /// <remarks>
    /// STS packs policies before it measures them, by rules that it does not tell. Where all keys are too much for it, though they fit in the text, the
    /// session is for the first key alone, from then on.
    /// </remarks>
    /// <param name="operation">The STS action.</param>
    /// <param name="roleArn">The role.</param>
    /// <param name="keyArns">The keys, the one that the session will be used for first; may be empty.</param>
    /// <param name="assume">Calls AWS STS with a session policy; calls its second argument when it does.</param>
    public SessionCredentials Create(
        string operation, string roleArn, IReadOnlyList<KmsKeyArn> keyArns, Func<string?, Action, CancellationToken, Task<Grant>> assume)
    {
        var (region, policy) = (RegionOf(keyArns), PolicyFor(keyArns));
        var narrowest = PolicyFor([.. keyArns.Take(1)]);
        return new SessionCredentials(BeginAsync, operation, region, _pipeline, _starts, _clock, _logger);

        async Task<AwsSession> BeginAsync(Action sends, CancellationToken cancellationToken)
        {
            try
            {
                return ToSession(await assume(policy, sends, cancellationToken).ConfigureAwait(false), operation, roleArn, region);
            }
            catch (AmazonSecurityTokenServiceException e) when (policy != narrowest && e.ErrorCode is "PackedPolicyTooLarge" or "PackedPolicyTooLargeException")
            {
                policy = narrowest;
            }

            return ToSession(await assume(policy, sends, cancellationToken).ConfigureAwait(false), operation, roleArn, region);
        }
    }

    /// <summary>The session that AWS STS granted.</summary>
    /// <exception cref="ByokServiceException">The answer is none: AWS would not have given it.</exception>
    public AwsSession ToSession(Grant granted, string operation, string roleArn, string region)
    {
        var answer = granted.Credentials;
        if (answer is not { AccessKeyId.Length: > 0, SecretAccessKey.Length: > 0, SessionToken.Length: > 0, Expiration: { } expiration })
        {
            throw new ByokServiceException($"AWS STS answered {operation} without complete credentials. Try again later.")
            {
                Operation = operation,
                Region = region,
                Trouble = ServiceTrouble.Outage,
            };
        }

        // An answer that was swapped on its way would blame one customer for the key of another.
        if (granted.User?.Arn != RoleArns.SessionArn(roleArn, SessionName))
        {
            throw new ByokServiceException(
                $"AWS STS answered {operation} with a session of another role than the one that was asked for. The session was not used. Try again later.")
            {
                Operation = operation,
                Region = region,
                Trouble = ServiceTrouble.Outage,
            };
        }

        var ends = new DateTimeOffset(expiration.ToUniversalTime());
        if (ends <= _clock.Time.GetUtcNow())
        {
            throw new ByokServiceException(
                $"AWS STS answered {operation} with a session that is over already by this machine's clock. Check that the clock is right.",
                isTransient: false)
            {
                Operation = operation,
                Region = region,
            };
        }

        return new AwsSession(new SessionAWSCredentials(answer.AccessKeyId, answer.SecretAccessKey, answer.SessionToken), ends, granted.User.Arn);
    }

    /// <summary>What AWS STS answered: both are there, or STS is broken.</summary>
    internal readonly record struct Grant(Amazon.SecurityToken.Model.Credentials? Credentials, AssumedRoleUser? User)
    {
        /// <summary>A record's own would print the credentials.</summary>
        public override string ToString() => nameof(Grant);
    }
}
