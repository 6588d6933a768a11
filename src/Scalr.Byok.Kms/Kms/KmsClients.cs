using Amazon.KeyManagementService;
using Amazon.Runtime;
using Scalr.Byok.Kms.Resilience;

namespace Scalr.Byok.Kms.Kms;

/// <summary>Makes clients of AWS KMS. A client is small and shares its Region's configuration and everybody's connections.</summary>
internal sealed class KmsClients
{
    private readonly AwsClientConfiguration _configuration;

    public KmsClients(AwsClientConfiguration configuration) => _configuration = configuration;

    public IAmazonKeyManagementService Create(AWSCredentials credentials, string region) =>
        new AmazonKeyManagementServiceClient(credentials, _configuration.ForKms(region));
}
