namespace LocalAws.Sts;

/// <summary>
/// Refuses to fetch from anywhere but this machine: the addresses come from tokens' issuers and their documents, and a stand-in that can be
/// talked into calling other hosts would be a hole.
/// </summary>
internal sealed class LoopbackOnly : DelegatingHandler
{
    private LoopbackOnly(HttpMessageHandler inner)
        : base(inner)
    {
    }

    public static HttpClient CreateClient() =>
        new(new LoopbackOnly(
            new SocketsHttpHandler { AllowAutoRedirect = false, UseProxy = false, PooledConnectionLifetime = TimeSpan.FromMinutes(1) }))
        {
            Timeout = TimeSpan.FromSeconds(5),
        };

    protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken) =>
        request.RequestUri?.IsLoopback == true
            ? base.SendAsync(request, cancellationToken)
            : throw new HttpRequestException("LocalAws fetches from loopback addresses only.");
}
