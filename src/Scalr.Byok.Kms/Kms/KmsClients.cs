using Amazon.KeyManagementService;
using Amazon.Runtime;
using Scalr.Byok.Kms.Credentials;
using Scalr.Byok.Kms.Resilience;

namespace Scalr.Byok.Kms.Kms;

/// <summary>Makes clients of AWS KMS. A client is small and shares its Region's configuration and everybody's connections.</summary>
internal sealed class KmsClients
{
    private readonly AwsClientConfiguration _configuration;

    public KmsClients(AwsClientConfiguration configuration) => _configuration = configuration;

    public IAmazonKeyManagementService Create(AWSCredentials credentials, string region)
    {
        // Those of a strategy that the host wrote may have to be found first; the others are there.
        var areThere = credentials is BasicAWSCredentials or SessionAWSCredentials or AnonymousAWSCredentials;
        return new AmazonKeyManagementServiceClient(areThere ? credentials : new HostCredentials(credentials), _configuration.ForKms(region));
    }
}
