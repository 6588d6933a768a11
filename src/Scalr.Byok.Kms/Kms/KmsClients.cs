using System.Collections.Concurrent;
using Amazon.KeyManagementService;
using Amazon.Runtime;
using Amazon.Runtime.Internal;
using Scalr.Byok.Kms.Resilience;

namespace Scalr.Byok.Kms.Kms;

/// <summary>Clients of AWS KMS, one per Region. Shared by all customers and disposed with the service provider.</summary>
/// <remarks>
/// A client takes 4 KB, so thousands of customers must not have one each. It has no credentials: each request carries those that sign it
/// (<see cref="RequestCredentials"/>). A client keeps nothing of a request.
/// </remarks>
internal sealed class KmsClients : IDisposable
{
    private readonly Func<string, IAmazonKeyManagementService> _create;
    private readonly ConcurrentDictionary<string, Lazy<IAmazonKeyManagementService>> _clients = new(StringComparer.Ordinal);

    /// <param name="configuration">Endpoints and transport.</param>
    public KmsClients(AwsClientConfiguration configuration)
        : this(region => new SharedClient(configuration.ForKms(region)))
    {
    }

    /// <param name="create">Creates the client of a Region.</param>
    public KmsClients(Func<string, IAmazonKeyManagementService> create) => _create = create;

    public IAmazonKeyManagementService In(string region) => _clients.GetOrAdd(
        region,
        static (region, create) => new Lazy<IAmazonKeyManagementService>(() => create(region)),
        _create).Value;

    public void Dispose()
    {
        foreach (var client in _clients.Values.Where(client => client.IsValueCreated))
        {
            client.Value.Dispose();
        }
    }

    // Anonymous credentials sign nothing, so a request without its own fails.
    private sealed class SharedClient(AmazonKeyManagementServiceConfig configuration)
        : AmazonKeyManagementServiceClient(new AnonymousAWSCredentials(), configuration)
    {
        protected override void CustomizeRuntimePipeline(RuntimePipeline pipeline)
        {
            base.CustomizeRuntimePipeline(pipeline);

            // Outermost, so before the AWS SDK looks for credentials.
            pipeline.AddHandler(new RequestCredentials.Handler());
        }
    }
}
