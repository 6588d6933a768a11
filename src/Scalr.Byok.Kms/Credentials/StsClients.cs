using System.Collections.Concurrent;
using Amazon.Runtime;
using Amazon.SecurityToken;
using Scalr.Byok.Kms.Resilience;

namespace Scalr.Byok.Kms.Credentials;

/// <summary>Clients of AWS STS, one for each Region, shared by all customers and disposed with the container.</summary>
internal sealed class StsClients : IDisposable
{
    private readonly AwsClientConfiguration _configuration;
    private readonly HostCredentials _hostCredentials;
    private readonly Func<AWSCredentials?, string, IAmazonSecurityTokenService>? _create;
    private readonly ConcurrentDictionary<string, Lazy<IAmazonSecurityTokenService>> _host = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, Lazy<IAmazonSecurityTokenService>> _anonymous = new(StringComparer.Ordinal);

    /// <param name="configuration">Endpoints and transport.</param>
    /// <param name="hostCredentials">The host's own identity; null for the AWS SDK's default chain.</param>
    /// <param name="create">Creates the clients in place of this class; null outside tests.</param>
    public StsClients(
        AwsClientConfiguration configuration, AWSCredentials? hostCredentials, Func<AWSCredentials?, string, IAmazonSecurityTokenService>? create = null)
    {
        _create = create;
        _configuration = configuration;
        _hostCredentials = new HostCredentials(hostCredentials);
    }

    /// <summary>A client that signs with the host's own AWS identity.</summary>
    public IAmazonSecurityTokenService AsHost(string region) => Get(_host, region, _hostCredentials);

    /// <summary>A client that does not sign: sts:AssumeRoleWithWebIdentity is proved by its token.</summary>
    public IAmazonSecurityTokenService Anonymous(string region) => Get(_anonymous, region, new AnonymousAWSCredentials());

    public void Dispose()
    {
        foreach (var client in _host.Values.Concat(_anonymous.Values).Where(client => client.IsValueCreated))
        {
            client.Value.Dispose();
        }
    }

    private IAmazonSecurityTokenService Get(
        ConcurrentDictionary<string, Lazy<IAmazonSecurityTokenService>> clients, string region, AWSCredentials credentials) =>
        clients.GetOrAdd(region, _ => new Lazy<IAmazonSecurityTokenService>(() =>
            _create?.Invoke(credentials, region) ?? new AmazonSecurityTokenServiceClient(credentials, _configuration.ForSts(region)))).Value;
}
