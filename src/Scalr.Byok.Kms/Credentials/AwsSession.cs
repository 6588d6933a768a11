using Amazon.Runtime;
using Scalr.Byok.Kms.Resilience;

namespace Scalr.Byok.Kms.Credentials;

/// <summary>One session that AWS STS granted: immutable, so that a call signs with one session's key and token from beginning to end.</summary>
internal sealed class AwsSession
{
    public AwsSession(AWSCredentials credentials, DateTimeOffset expiration, string? identity)
    {
        Credentials = credentials;
        Expiration = expiration;
        Identity = identity;
    }

    private AwsSession(AwsSession granted, Moment begun, long expires)
        : this(granted.Credentials, granted.Expiration, granted.Identity)
    {
        Begun = begun;
        Expires = expires;
    }

    public AWSCredentials Credentials { get; }

    /// <summary>When AWS ends the session.</summary>
    public DateTimeOffset Expiration { get; }

    /// <summary>The ARN of the assumed role's session, as CloudTrail shows it; null if AWS STS did not say.</summary>
    public string? Identity { get; }

    /// <summary>The moment before AWS STS was asked for it.</summary>
    public Moment Begun { get; } = Moment.Never;

    /// <summary>When AWS ends the session, in ticks of <see cref="AgeClock"/>: a clock that is set back does not make it longer.</summary>
    public long Expires { get; } = long.MaxValue;

    /// <summary>The session with the time of its request.</summary>
    public AwsSession At(Moment begun, long expires) => new(this, begun, expires);
}
