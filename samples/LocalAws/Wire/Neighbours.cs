namespace LocalAws.Wire;

/// <summary>
/// Decides who may call a server on loopback. A web page in the developer's browser can reach it, too, under its own name that resolves
/// to 127.0.0.1 (DNS rebinding), or across origins. Both show in headers that no AWS client sends.
/// </summary>
internal static class Neighbours
{
    public static bool MayCome(HttpRequest request) =>
        IsLoopback(request.Host.Host) && request.Headers.Origin.Count == 0;

    private static bool IsLoopback(string host) =>
        host.Equals("localhost", StringComparison.OrdinalIgnoreCase)
        || host.EndsWith(".localhost", StringComparison.OrdinalIgnoreCase)
        || (System.Net.IPAddress.TryParse(host.Trim('[', ']'), out var address) && System.Net.IPAddress.IsLoopback(address));
}
