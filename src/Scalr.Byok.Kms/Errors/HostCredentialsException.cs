using Amazon.Runtime;

namespace Scalr.Byok.Kms.Errors;

/// <summary>Thrown if the host's own AWS credentials are not found.</summary>
/// <remarks>
/// Derives from <see cref="AmazonClientException"/>, as the AWS SDK expects of credentials. The type distinguishes it from an unreadable
/// answer.
/// </remarks>
internal sealed class HostCredentialsException : AmazonClientException
{
    public HostCredentialsException(AmazonClientException cause)
        : base(cause.Message, cause)
    {
    }

    /// <summary>Finds the exception of this type among an exception and its causes.</summary>
    public static HostCredentialsException? In(Exception? error)
    {
        while (error is not (null or HostCredentialsException))
        {
            error = error.InnerException;
        }

        return (HostCredentialsException?)error;
    }
}
