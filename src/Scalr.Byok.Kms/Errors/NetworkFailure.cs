using System.Net.Sockets;
using System.Runtime.CompilerServices;
using System.Security.Authentication;
using Amazon;

namespace Scalr.Byok.Kms.Errors;

/// <summary>Says in words which address was called and why it did not answer.</summary>
/// <remarks>Texts of the network stack are never quoted. The address has no path, no query and no user name.</remarks>
internal static class NetworkFailure
{
    private static readonly ConditionalWeakTable<Exception, Uri> Addresses = [];

    /// <summary>Remembers which address a request failed at. Always false, for use as an exception filter.</summary>
    public static bool Note(Exception error, Uri? address)
    {
        if (address is not null)
        {
            foreach (var one in Chain(error))
            {
                Addresses.AddOrUpdate(one, address);
            }
        }

        return false;
    }

    /// <summary>What failed, as the end of a sentence.</summary>
    /// <param name="error">What the HTTP stack threw.</param>
    /// <param name="region">The Region that was called.</param>
    public static string Describe(Exception error, string region)
    {
        var address = Chain(error).Select(one => Addresses.TryGetValue(one, out var noted) ? noted : null).FirstOrDefault(noted => noted is not null);
        return address is null ? $"AWS could not be reached ({error.GetType().Name})"
            : $"AWS could not be reached: {address.IdnHost}:{address.Port}, {Cause(error)}"
                + (IsAwsOwn(address, region) ? "" : ". This address is configured by the host's operator, in the option Endpoints");
    }

    private static string Cause(Exception error)
    {
        foreach (var one in Chain(error))
        {
            switch (one)
            {
                case SocketException socket:
                    return Cause(socket.SocketErrorCode);
                case AuthenticationException tls:
                    return Cause(tls);
                default:
                    break;
            }
        }

        return Chain(error).OfType<HttpRequestException>().FirstOrDefault()?.HttpRequestError switch
        {
            HttpRequestError.NameResolutionError => "name not known",
            HttpRequestError.SecureConnectionError => "no TLS connection",
            HttpRequestError.ProxyTunnelError => "the proxy refused the connection",
            HttpRequestError.InvalidResponse => "the answer was not HTTP",
            HttpRequestError.ResponseEnded => "the connection was closed before the answer was complete",
            HttpRequestError.ConnectionError => "no connection",
            _ => Chain(error).Any(one => one is IOException) ? "the connection was closed before the answer was complete" : error.GetType().Name,
        };
    }

    private static string Cause(SocketError error) => error switch
    {
        SocketError.HostNotFound or SocketError.NoData => "name not known",
        SocketError.TryAgain => "the name server did not answer",
        SocketError.ConnectionRefused => "connection refused",
        SocketError.ConnectionReset or SocketError.ConnectionAborted or SocketError.Shutdown => "the connection was closed before the answer was complete",
        SocketError.TimedOut => "no answer to the attempt to connect",
        SocketError.HostUnreachable or SocketError.NetworkUnreachable or SocketError.NetworkDown or SocketError.HostDown => "no route to this address",
        _ => $"socket error {error}",
    };

    /// <summary>Only the words that .NET uses for its flags are looked for; the text is in English on all systems.</summary>
    private static string Cause(AuthenticationException error)
    {
        bool Says(string text) => error.Message.Contains(text, StringComparison.Ordinal);
        return Says("NameMismatch") ? "its TLS certificate is for another name"
            : Says("NotTimeValid") ? "its TLS certificate has expired or is not yet valid"
            : Says("Chain") || Says("UntrustedRoot") ? "its TLS certificate is not trusted"
            : "no TLS connection";
    }

    private static bool IsAwsOwn(Uri address, string region)
    {
        var suffix = RegionEndpoint.GetBySystemName(region).PartitionDnsSuffix;
        return address.IdnHost == $"kms.{region}.{suffix}" || address.IdnHost == $"sts.{region}.{suffix}";
    }

    private static IEnumerable<Exception> Chain(Exception? error)
    {
        for (; error is not null; error = error.InnerException)
        {
            yield return error;
        }
    }
}
