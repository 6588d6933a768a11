using System.Collections.Concurrent;
using Amazon;
using Amazon.KeyManagementService;
using Amazon.Runtime;
using Amazon.SecurityToken;

namespace Scalr.Byok.Kms.Resilience;

/// <summary>How every client of AWS is set up: where it calls, over which connections, and with the AWS SDK's own retries off.</summary>
/// <remarks>
/// One configuration for each service and Region and one HTTP client for all, so that sockets are bounded by endpoint and not by customer.
/// Time limits stand in <see cref="AwsPipeline"/>: those of the AWS SDK do not cover the answer's body, and a limit of its own would give each client its own socket.
/// </remarks>
internal sealed class AwsClientConfiguration : IDisposable
{
    private readonly ByokEndpoints _endpoints;
    private readonly SharedHttpClient _http;
    private readonly ConcurrentDictionary<string, AmazonKeyManagementServiceConfig> _kms = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, AmazonSecurityTokenServiceConfig> _sts = new(StringComparer.Ordinal);

    /// <param name="endpoints">Where it calls.</param>
    /// <param name="resilience">How many connections there may be.</param>
    public AwsClientConfiguration(ByokEndpoints endpoints, ByokResilienceOptions resilience)
    {
        _endpoints = endpoints;
        _http = new SharedHttpClient(endpoints.UseSystemProxy, resilience.MaxConnectionsPerEndpoint);
    }

    public AmazonKeyManagementServiceConfig ForKms(string region) =>
        _kms.GetOrAdd(region, static (region, self) => self.Configure(new AmazonKeyManagementServiceConfig(), region, self._endpoints.Kms), this);

    public AmazonSecurityTokenServiceConfig ForSts(string region) =>
        _sts.GetOrAdd(region, static (region, self) => self.Configure(new AmazonSecurityTokenServiceConfig(), region, self._endpoints.Sts), this);

    public void Dispose() => _http.Dispose();

    private TConfig Configure<TConfig>(TConfig config, string region, IDictionary<string, Uri> endpoints)
        where TConfig : ClientConfig
    {
        // Without this the environment (AWS_ENDPOINT_URL_KMS) would override the Region, and the request would be signed for another one.
        config.IgnoreConfiguredEndpointUrls = true;
        if (endpoints.TryGetValue(region, out var endpoint) || endpoints.TryGetValue(ByokEndpoints.AnyRegion, out endpoint))
        {
            config.ServiceURL = endpoint.AbsoluteUri;
        }
        else
        {
            config.RegionEndpoint = RegionEndpoint.GetBySystemName(region);
        }

        config.AuthenticationRegion = region;
        config.MaxErrorRetry = 0;
        config.MaxStaleConnectionRetries = 0;
        config.ThrottleRetries = false;
        config.AllowAutoRedirect = false;

        // Left out, each of these is taken from the environment or a profile of the AWS SDK.
        config.UseFIPSEndpoint = false;
        config.UseDualstackEndpoint = false;
        config.RetryMode = RequestRetryMode.Standard; // adaptive would delay calls by a rate limit of its own
        config.DefaultConfigurationMode = DefaultConfigurationMode.Standard;
        config.EndpointDiscoveryEnabled = false;
        config.AccountIdEndpointMode = AccountIdEndpointMode.DISABLED;
        config.DisableRequestCompression = true;
        config.HttpClientFactory = _http;

        // Stands in the user agent, so that the customer sees in CloudTrail who used the key.
        config.ClientAppId = "Scalr.Byok.Kms";
        return config;
    }

    private sealed class SharedHttpClient : HttpClientFactory, IDisposable
    {
        private readonly HttpClient _client;

        public SharedHttpClient(bool useSystemProxy, int maxConnections) =>
            _client = new HttpClient(new AnswerLimit(new SocketsHttpHandler
            {
                AllowAutoRedirect = false,
                UseCookies = false,
                UseProxy = useSystemProxy,
                Proxy = useSystemProxy ? new SystemProxy() : null,
                MaxConnectionsPerServer = maxConnections,
                ActivityHeadersPropagator = null, // the host's baggage may hold personal data, and AWS makes no use of trace ids
                PooledConnectionLifetime = TimeSpan.FromMinutes(5),    // so that a changed DNS answer is seen
                PooledConnectionIdleTimeout = TimeSpan.FromSeconds(15), // sooner than AWS closes an idle connection, so that none is found dead
            }))
            {
                Timeout = Timeout.InfiniteTimeSpan,
            };

        public override HttpClient CreateHttpClient(IClientConfig clientConfig) => _client;

        public override bool UseSDKHttpClientCaching(IClientConfig clientConfig) => false;

        public override bool DisposeHttpClientsAfterUse(IClientConfig clientConfig) => false;

        public void Dispose() => _client.Dispose();
    }
}
