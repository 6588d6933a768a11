using System.Net;
using System.Net.Sockets;

namespace WebHost.Webhooks;

/// <summary>
/// Sends requests to addresses that customers typed. It connects to public addresses only, so that no customer reaches the host's own
/// network, and follows no redirect.
/// </summary>
public sealed class WebhookClient : IDisposable
{
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(10);

    private readonly bool _allowsPrivate;
    private readonly HttpClient _client;

    /// <summary>Reads <c>Webhooks:AllowPrivateAddresses</c>, which is for demonstrations and tests.</summary>
    public WebhookClient(IConfiguration configuration)
    {
        ArgumentNullException.ThrowIfNull(configuration);
        _allowsPrivate = configuration.GetValue("Webhooks:AllowPrivateAddresses", false);
        _client = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false, UseProxy = false, ConnectCallback = ConnectAsync })
        {
            Timeout = Timeout,
        };
    }

    /// <summary>Whether the host would send to an address.</summary>
    public bool Accepts(Uri url)
    {
        ArgumentNullException.ThrowIfNull(url);
        return url.Scheme == Uri.UriSchemeHttps || (_allowsPrivate && url.Scheme == Uri.UriSchemeHttp);
    }

    /// <summary>Sends a request and reads the head of the answer.</summary>
    public Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken) =>
        _client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken);

    /// <inheritdoc/>
    public void Dispose() => _client.Dispose();

    private async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancellationToken)
    {
        var addresses = await Dns.GetHostAddressesAsync(context.DnsEndPoint.Host, cancellationToken);
        var allowed = addresses.Where(address => _allowsPrivate || IsPublic(address)).ToArray();
        if (allowed.Length == 0)
        {
            throw new HttpRequestException("The address is not public.");
        }

        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(allowed, context.DnsEndPoint.Port, cancellationToken);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>False for loopback, private, shared, link-local, multicast and reserved addresses.</summary>
    public static bool IsPublic(IPAddress address)
    {
        ArgumentNullException.ThrowIfNull(address);
        if (address.IsIPv4MappedToIPv6)
        {
            address = address.MapToIPv4();
        }

        var bytes = address.GetAddressBytes();
        return address.AddressFamily == AddressFamily.InterNetwork
            ? (bytes[0], bytes[1]) is not ((0 or 10 or 127 or >= 224, _) or (100, >= 64 and < 128) or (169, 254) or (172, >= 16 and < 32)
                or (192, 0 or 168) or (198, 18 or 19))
            : (bytes[0] & 0xe0) == 0x20 && !(bytes[0] == 0x20 && bytes[1] == 0x02); // global unicast, without 6to4
    }
}
