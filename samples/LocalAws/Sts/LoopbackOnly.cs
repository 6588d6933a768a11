namespace LocalAws.Sts;

/// <summary>
/// Rejects addresses outside of this machine. The addresses come from issuers of tokens and their documents, so a token could otherwise
/// make LocalAws call other hosts.
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
