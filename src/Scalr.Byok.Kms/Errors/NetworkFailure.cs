using System.Net.Sockets;
using System.Runtime.CompilerServices;
using System.Security.Authentication;
using Amazon;
using Amazon.Runtime;
using Polly.Timeout;

namespace Scalr.Byok.Kms.Errors;

/// <summary>Describes which address was called and why it did not answer.</summary>
/// <remarks>Texts of the network stack are never quoted. The address has no path, no query and no user name.</remarks>
internal static class NetworkFailure
{
    /// <summary>The end of a text about an address that is not AWS's own.</summary>
    public const string OfOperator = ". This address is configured by the host's operator, in the option Endpoints";

    private static readonly ConditionalWeakTable<Exception, Called> Addresses = [];

    /// <summary>Records the address that a request failed at.</summary>
    /// <param name="error">The exception.</param>
    /// <param name="address">The address.</param>
    /// <param name="proxy">The address of the proxy between; null if there is none.</param>
    public static void Note(Exception error, Uri? address, Uri? proxy = null)
    {
        if (address is not null)
        {
            foreach (var one in Chain(error))
            {
                Addresses.AddOrUpdate(one, new Called(address, proxy));
            }
        }
    }

    /// <summary>The address that a client of the AWS SDK calls, as the end of a sentence; null if it is not known.</summary>
    /// <param name="client">The configuration of the client.</param>
    /// <param name="service">The name of the service in AWS's own addresses.</param>
    /// <param name="region">The Region that is called.</param>
    public static string? AddressOf(IClientConfig? client, string service, string region) => client switch
    {
        null => null,
        { ServiceURL: { Length: > 0 } url } => Describe(new Called(new Uri(url), Proxy: null)) + Configured(new Uri(url), region),
        _ => $"{service}.{region}.{RegionEndpoint.GetBySystemName(region).PartitionDnsSuffix}:443",
    };

    /// <summary>Describes the failure, as the end of a sentence.</summary>
    /// <param name="error">The exception of the HTTP stack.</param>
    /// <param name="region">The Region that was called.</param>
    public static string Describe(Exception error, string region)
    {
        var called = Chain(error)
            .Select(one => Addresses.TryGetValue(one, out var noted) ? noted : null)
            .FirstOrDefault(noted => noted is not null);
        return called is null
            ? $"AWS could not be reached ({error.GetType().Name})"
            : $"AWS could not be reached: {Describe(called)}, {Cause(error)}{Configured(called.Address, region)}";
    }

    /// <summary>Whether a text in the exception may quote what the other side sent, or the password of a proxy.</summary>
    /// <remarks>
    /// .NET quotes a line or a header that it cannot read, and the whole address of a proxy. Whatever answers in place of AWS can repeat
    /// the request there, with a session token. Only kinds of failures in which nothing was read are known not to quote.
    /// </remarks>
    public static bool MayQuote(Exception error) => Chain(error).Any(one => one switch
    {
        HttpRequestException http => MayQuote(http.HttpRequestError, http.InnerException),
        HttpIOException http => MayQuote(http.HttpRequestError, http.InnerException),
        IOException or SocketException or AuthenticationException => false,
        OperationCanceledException or TimeoutException or TimeoutRejectedException => false,
        _ => true,
    });

    /// <param name="error">The kind; an exception around another one may have none.</param>
    /// <param name="inner">The exception inside it, which is judged by itself.</param>
    private static bool MayQuote(HttpRequestError error, Exception? inner) => error switch
    {
        HttpRequestError.NameResolutionError or HttpRequestError.ConnectionError or HttpRequestError.SecureConnectionError
            or HttpRequestError.ResponseEnded => false,
        HttpRequestError.Unknown => inner is null,
        _ => true,
    };

    private static string Describe(Called called) => $"{called.Address.IdnHost}:{called.Address.Port}"
        + (called.Proxy is { } proxy ? $" through the proxy {proxy.IdnHost}:{proxy.Port}" : "");

    private static string Configured(Uri address, string region) =>
        IsAwsOwn(address, region) ? "" : OfOperator;

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
            _ => Chain(error).Any(one => one is IOException)
                ? "the connection was closed before the answer was complete"
                : error.GetType().Name,
        };
    }

    private static string Cause(SocketError error) => error switch
    {
        SocketError.HostNotFound or SocketError.NoData => "name not known",
        SocketError.TryAgain => "the name server did not answer",
        SocketError.ConnectionRefused => "connection refused",
        SocketError.ConnectionReset or SocketError.ConnectionAborted or SocketError.Shutdown =>
            "the connection was closed before the answer was complete",
        SocketError.TimedOut => "no answer to the attempt to connect",
        SocketError.HostUnreachable or SocketError.NetworkUnreachable or SocketError.NetworkDown or SocketError.HostDown =>
            "no route to this address",
        _ => $"socket error {error}",
    };

    /// <summary>Uses only the names of .NET's flags in the text. They are in English on all systems.</summary>
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

    private sealed record Called(Uri Address, Uri? Proxy);
}
