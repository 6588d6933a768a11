using Amazon.KeyManagementService;
using Amazon.Runtime;
using Scalr.Byok.Kms.Credentials;
using Scalr.Byok.Kms.Resilience;

namespace Scalr.Byok.Kms.Kms;

/// <summary>Creates clients of AWS KMS. A client is small: clients of a Region share its configuration and all connections.</summary>
internal sealed class KmsClients
{
    private readonly AwsClientConfiguration _configuration;
    private readonly Func<AWSCredentials, string, IAmazonKeyManagementService>? _create;

    /// <param name="configuration">Endpoints and transport.</param>
    /// <param name="create">Creates the clients in place of this class; null outside tests.</param>
    public KmsClients(AwsClientConfiguration configuration, Func<AWSCredentials, string, IAmazonKeyManagementService>? create = null)
    {
        _configuration = configuration;
        _create = create;
    }

    public IAmazonKeyManagementService Create(AWSCredentials credentials, string region)
    {
        if (_create is not null)
        {
            return _create(credentials, region);
        }

        // Credentials of a host's strategy may have to be resolved first, which can fail. The other kinds are already resolved.
        var areThere = credentials is BasicAWSCredentials or SessionAWSCredentials or AnonymousAWSCredentials or HostCredentials;
        return new AmazonKeyManagementServiceClient(
            areThere ? credentials : new HostCredentials(credentials), _configuration.ForKms(region));
    }
}
