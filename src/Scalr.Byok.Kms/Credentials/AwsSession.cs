using Amazon.Runtime;

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

    public AWSCredentials Credentials { get; }

    public DateTimeOffset Expiration { get; }

    /// <summary>The ARN of the assumed role's session, as CloudTrail shows it; null if AWS STS did not say.</summary>
    public string? Identity { get; }
}
