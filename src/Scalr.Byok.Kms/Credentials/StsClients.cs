using System.Collections.Concurrent;
using Amazon.Runtime;
using Amazon.SecurityToken;
using Scalr.Byok.Kms.Errors;
using Scalr.Byok.Kms.Resilience;

namespace Scalr.Byok.Kms.Credentials;

/// <summary>Clients of AWS STS, one per Region. Shared by all customers and disposed with the service provider.</summary>
internal sealed class StsClients : IDisposable
{
    private readonly AwsClientConfiguration _configuration;
    private readonly HostCredentials _hostCredentials;
    private readonly Func<AWSCredentials?, string, IAmazonSecurityTokenService>? _create;
    private readonly ConcurrentDictionary<string, Lazy<IAmazonSecurityTokenService>> _host = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, Lazy<IAmazonSecurityTokenService>> _anonymous = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, string?> _addresses = new(StringComparer.Ordinal);

    /// <param name="configuration">Endpoints and transport.</param>
    /// <param name="hostCredentials">The host's own AWS identity.</param>
    /// <param name="create">Creates the clients in place of this class; null outside tests.</param>
    public StsClients(
        AwsClientConfiguration configuration,
        HostCredentials hostCredentials,
        Func<AWSCredentials?, string, IAmazonSecurityTokenService>? create = null)
    {
        _create = create;
        _configuration = configuration;
        _hostCredentials = hostCredentials;
    }

    /// <summary>A client that signs with the host's own AWS identity.</summary>
    public IAmazonSecurityTokenService AsHost(string region) => Get(_host, region, _hostCredentials);

    /// <summary>A client that does not sign: the token proves sts:AssumeRoleWithWebIdentity.</summary>
    public IAmazonSecurityTokenService Anonymous(string region) => Get(_anonymous, region, new AnonymousAWSCredentials());

    /// <summary>The address that the clients call, for messages (<see cref="NetworkFailure.AddressOf"/>).</summary>
    // Kept, because each role of the Region has it.
    public string? AddressOf(string region) => _create is not null ? null : _addresses.GetOrAdd(
        region, static (region, configuration) => NetworkFailure.AddressOf(configuration.ForSts(region), "sts", region), _configuration);

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
            _create?.Invoke(credentials, region)
            ?? new AmazonSecurityTokenServiceClient(credentials, _configuration.ForSts(region)))).Value;
}
