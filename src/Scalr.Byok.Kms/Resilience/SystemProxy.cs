using System.Net;

namespace Scalr.Byok.Kms.Resilience;

/// <summary>
/// The system's proxy, for all addresses except loopback. Plain http is allowed on loopback, so a proxy would see a plaintext data key that
/// should not leave the machine.
/// </summary>
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
