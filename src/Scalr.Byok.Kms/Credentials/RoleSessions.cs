using System.Diagnostics;
using Amazon.Runtime;
using Amazon.SecurityToken;
using Amazon.SecurityToken.Model;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Scalr.Byok.Kms.Resilience;

namespace Scalr.Byok.Kms.Credentials;

/// <summary>What the two strategies that assume a role have in common: the request's limits, the Region to ask, and the session that comes back.</summary>
internal sealed class RoleSessions
{
    private readonly ByokOptions _options;
    private readonly AwsPipeline _pipeline;
    private readonly TimeProvider _time;
    private readonly ILogger<RoleSessions> _logger;

    public RoleSessions(IOptions<ByokOptions> options, AwsPipeline pipeline, TimeProvider time, ILogger<RoleSessions> logger)
    {
        _options = options.Value;
        _pipeline = pipeline;
        _time = time;
        _logger = logger;
    }

    public string SessionName => CredentialRules.SessionName(_options.RoleSessionName);

    // Always explicit: left out, a session that STS keeps short is renewed on every call by the AWS SDK's own rules, and 1 hour is not everybody's.
    public int DurationSeconds => (int)_options.SessionDuration.TotalSeconds;

    /// <summary>The Region to ask where no key tells one.</summary>
    public string DefaultRegion => _options.AllowedRegions[0];

    public SessionCredentials Create(string operation, Func<CancellationToken, Task<Amazon.SecurityToken.Model.Credentials?>> assume) =>
        new(async token => ToSession(await assume(token).ConfigureAwait(false), operation), operation, _pipeline, _time, _logger);

    private AwsSession ToSession(Amazon.SecurityToken.Model.Credentials? answer, string operation)
    {
        if (answer is not { AccessKeyId.Length: > 0, SecretAccessKey.Length: > 0, SessionToken.Length: > 0, Expiration: { } expiration })
        {
            throw new ByokServiceException($"AWS STS answered {operation} without complete credentials. Try again later.") { Operation = operation };
        }

        var ends = new DateTimeOffset(expiration.ToUniversalTime());
        if (ends <= _time.GetUtcNow())
        {
            throw new ByokServiceException(
                $"AWS STS answered {operation} with a session that is over already by this machine's clock. Check that the clock is right.",
                isTransient: false)
            { Operation = operation };
        }

        return new AwsSession(new SessionAWSCredentials(answer.AccessKeyId, answer.SecretAccessKey, answer.SessionToken), ends);
    }
}
