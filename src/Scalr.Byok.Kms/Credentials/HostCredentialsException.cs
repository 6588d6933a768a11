using Amazon.Runtime;

namespace Scalr.Byok.Kms.Credentials;

/// <summary>The host's own AWS credentials could not be found (<see cref="HostCredentials"/>).</summary>
/// <remarks>An <see cref="AmazonClientException"/>, since this is what the AWS SDK expects of credentials; by its type it differs from an answer that cannot be read.</remarks>
internal sealed class HostCredentialsException : AmazonClientException
{
    public HostCredentialsException(AmazonClientException cause)
        : base(cause.Message, cause)
    {
    }

    /// <summary>The exception of this type among an exception and its causes.</summary>
    public static HostCredentialsException? In(Exception? error)
    {
        while (error is not (null or HostCredentialsException))
        {
            error = error.InnerException;
        }

        return (HostCredentialsException?)error;
    }
}
