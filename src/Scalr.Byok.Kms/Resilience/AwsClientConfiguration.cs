using System.Collections.Concurrent;
using Amazon;
using Amazon.KeyManagementService;
using Amazon.Runtime;
using Amazon.SecurityToken;

namespace Scalr.Byok.Kms.Resilience;

/// <summary>Configures all clients of AWS: their addresses, their connections, and no retries of the AWS SDK.</summary>
/// <remarks>
/// There is one configuration per service and Region, and one HTTP client for all, so that sockets are limited per endpoint and not per
/// customer. <see cref="AwsPipeline"/> has the time limits: those of the AWS SDK do not cover the body of an answer, and would give each
/// client its own sockets.
/// </remarks>
internal sealed class AwsClientConfiguration : IDisposable
{
    private readonly ByokEndpoints _endpoints;
    private readonly SharedHttpClient _http;
    private readonly ConcurrentDictionary<string, AmazonKeyManagementServiceConfig> _kms = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, AmazonSecurityTokenServiceConfig> _sts = new(StringComparer.Ordinal);

    /// <param name="endpoints">The addresses.</param>
    /// <param name="resilience">The number of connections.</param>
    /// <param name="time">Receives the dates of answers; null if AWS's time is not needed.</param>
    public AwsClientConfiguration(ByokEndpoints endpoints, ByokResilienceOptions resilience, AwsTime? time = null)
    {
        _endpoints = endpoints;
        _http = new SharedHttpClient(endpoints.UseSystemProxy, resilience.MaxConnectionsPerEndpoint, time);
    }

    public AmazonKeyManagementServiceConfig ForKms(string region) =>
        _kms.GetOrAdd(
            region, static (region, self) => self.Configure(new AmazonKeyManagementServiceConfig(), region, self._endpoints.Kms), this);

    public AmazonSecurityTokenServiceConfig ForSts(string region) =>
        _sts.GetOrAdd(
            region, static (region, self) => self.Configure(new AmazonSecurityTokenServiceConfig(), region, self._endpoints.Sts), this);

    public void Dispose() => _http.Dispose();

    private TConfig Configure<TConfig>(TConfig config, string region, IDictionary<string, Uri> endpoints)
        where TConfig : ClientConfig
    {
        // Otherwise the environment (AWS_ENDPOINT_URL_KMS) would replace the address, and the request would be signed for another Region.
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

        // Without a value, the AWS SDK takes each of these from the environment or a profile.
        config.UseFIPSEndpoint = false;
        config.UseDualstackEndpoint = false;
        config.RetryMode = RequestRetryMode.Standard; // adaptive mode would delay calls by its own rate limit
        config.DefaultConfigurationMode = DefaultConfigurationMode.Standard;
        config.EndpointDiscoveryEnabled = false;
        config.AccountIdEndpointMode = AccountIdEndpointMode.DISABLED;
        config.DisableRequestCompression = true;
        config.HttpClientFactory = _http;

        // Part of the user agent, so that customers see in CloudTrail which software used the key.
        config.ClientAppId = "Scalr.Byok.Kms";
        return config;
    }

    private sealed class SharedHttpClient : HttpClientFactory, IDisposable
    {
        private readonly HttpClient _client;

        public SharedHttpClient(bool useSystemProxy, int maxConnections, AwsTime? time)
        {
            var proxy = useSystemProxy ? new SystemProxy() : null;
            var sockets = new SocketsHttpHandler
            {
                AllowAutoRedirect = false,
                UseCookies = false,
                UseProxy = useSystemProxy,
                Proxy = proxy,
                MaxConnectionsPerServer = maxConnections,
                ActivityHeadersPropagator = null, // the host's baggage may contain personal data, and AWS does not use trace ids
                PooledConnectionLifetime = TimeSpan.FromMinutes(5),    // so that a changed DNS record takes effect
                // shorter than AWS's own idle timeout, so that no request uses a closed connection
                PooledConnectionIdleTimeout = TimeSpan.FromSeconds(15),
            };
            HttpMessageHandler answers = time is null ? sockets : new AnswerDates(sockets, time);
            _client = new HttpClient(new AnswerLimit(answers, proxy)) { Timeout = Timeout.InfiniteTimeSpan };
        }

        public override HttpClient CreateHttpClient(IClientConfig clientConfig) => _client;

        public override bool UseSDKHttpClientCaching(IClientConfig clientConfig) => false;

        public override bool DisposeHttpClientsAfterUse(IClientConfig clientConfig) => false;

        public void Dispose() => _client.Dispose();
    }
}
