using Amazon.Runtime;
using Scalr.Byok.Kms.Resilience;

namespace Scalr.Byok.Kms.Credentials;

/// <summary>
/// One session that AWS STS granted. Immutable, so that a request never mixes the key of one session with the token of another.
/// </summary>
internal sealed class AwsSession
{
    /// <summary>The age, in ticks, below which a session is not the cause of a denial.</summary>
    public static readonly long Young = TimeSpan.FromMinutes(1).Ticks;

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
        Shortening = granted.Shortening;
    }

    public AWSCredentials Credentials { get; }

    /// <summary>When the session expires, by AWS's clock.</summary>
    public DateTimeOffset Expiration { get; }

    /// <summary>The ARN of the assumed role's session, as CloudTrail shows it; null if AWS STS did not return it.</summary>
    public string? Identity { get; }

    /// <summary>The moment before the request to AWS STS was sent.</summary>
    public Moment Begun { get; } = Moment.Never;

    /// <summary>When the session expires, in ticks of <see cref="AgeClock"/>: setting the clock back does not extend it.</summary>
    public long Expires { get; } = long.MaxValue;

    /// <summary>Why the session is shorter than the host's options say; null if it is not.</summary>
    public SessionShortening? Shortening { get; init; }

    /// <summary>The session with the time of its request.</summary>
    public AwsSession At(Moment begun, long expires) => new(this, begun, expires);
}
