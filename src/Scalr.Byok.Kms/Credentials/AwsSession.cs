using Amazon.Runtime;

namespace Scalr.Byok.Kms.Credentials;

/// <summary>One session that AWS STS granted: immutable, so that a call signs with one session's key and token from beginning to end.</summary>
internal sealed class AwsSession
{
    public AwsSession(AWSCredentials credentials, DateTimeOffset expiration)
    {
        Credentials = credentials;
        Expiration = expiration;
    }

    public AWSCredentials Credentials { get; }

    public DateTimeOffset Expiration { get; }
}
