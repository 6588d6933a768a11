using Amazon.Runtime;
using Amazon.Runtime.Credentials;

namespace Scalr.Byok.Kms.Credentials;

/// <summary>Credentials that the host provides, which say when it was they that failed and not the call: the AWS SDK throws the same exception for both.</summary>
internal sealed class HostCredentials : AWSCredentials
{
    private AWSCredentials? _credentials;

    /// <param name="credentials">The host's; null for the AWS SDK's default chain.</param>
    public HostCredentials(AWSCredentials? credentials) => _credentials = credentials;

    private AWSCredentials Credentials => _credentials ??= DefaultAWSCredentialsIdentityResolver.GetCredentials();

    /// <exception cref="HostCredentialsException">There are none.</exception>
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

    /// <summary>The AWS SDK's signer asks once more, this way, for what it has just got.</summary>
    /// <exception cref="HostCredentialsException">There are none.</exception>
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

    /// <summary>Where the cause is an answer of AWS, it says more: AWS STS refused the host's role, for example.</summary>
    private static bool IsOurs(AmazonClientException error) => error.InnerException is not AmazonServiceException;
}
