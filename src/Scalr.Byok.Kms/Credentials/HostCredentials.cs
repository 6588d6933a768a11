using Amazon.Runtime;
using Amazon.Runtime.Credentials;
using Scalr.Byok.Kms.Errors;

namespace Scalr.Byok.Kms.Credentials;

/// <summary>
/// Credentials of the host. Their failures are distinguished from failures of the call, for which the AWS SDK throws the same exception.
/// </summary>
internal sealed class HostCredentials : AWSCredentials
{
    private AWSCredentials? _credentials;

    /// <param name="credentials">The credentials of the host; null for the AWS SDK's default chain.</param>
    public HostCredentials(AWSCredentials? credentials) => _credentials = credentials;

    private AWSCredentials Credentials => _credentials ??= DefaultAWSCredentialsIdentityResolver.GetCredentials();

    /// <exception cref="HostCredentialsException">There are no credentials.</exception>
    public override async Task<ImmutableCredentials> GetCredentialsAsync()
    {
        try
        {
            return await Credentials.GetCredentialsAsync().ConfigureAwait(false);
        }
        catch (AmazonClientException e) when (IsOurs(e))
        {
            throw new HostCredentialsException(e);
        }
    }

    /// <summary>Called by the AWS SDK's signer, right after <see cref="GetCredentialsAsync"/>.</summary>
    /// <exception cref="HostCredentialsException">There are no credentials.</exception>
    public override ImmutableCredentials GetCredentials()
    {
        try
        {
            return Credentials.GetCredentials();
        }
        catch (AmazonClientException e) when (IsOurs(e))
        {
            throw new HostCredentialsException(e);
        }
    }

    /// <summary>An answer of AWS is the better explanation, for example that AWS STS denied the host's role.</summary>
    private static bool IsOurs(AmazonClientException error) => error.InnerException is not AmazonServiceException;
}
