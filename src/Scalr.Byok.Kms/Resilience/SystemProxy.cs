using System.Net;

namespace Scalr.Byok.Kms.Resilience;

/// <summary>The system's proxy for every address but those on loopback: a proxy must not see a data key that stays on the machine, where plain http is allowed.</summary>
internal sealed class SystemProxy : IWebProxy
{
    public ICredentials? Credentials
    {
        get => HttpClient.DefaultProxy.Credentials;
        set => throw new NotSupportedException("The host sets the credentials of HttpClient.DefaultProxy.");
    }

    public Uri? GetProxy(Uri destination) => destination.IsLoopback ? null : HttpClient.DefaultProxy.GetProxy(destination);

    public bool IsBypassed(Uri host) => host.IsLoopback || HttpClient.DefaultProxy.IsBypassed(host);
}
