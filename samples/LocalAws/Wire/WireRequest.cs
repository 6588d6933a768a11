namespace LocalAws.Wire;

/// <summary>
/// A request as received: what SigV4 covers, byte for byte, and what it claims about itself. Nothing in it is verified yet.
/// </summary>
internal sealed class WireRequest
{
    private WireRequest(HttpRequest http, byte[] body)
    {
        Method = http.Method;
        Path = http.Path.ToUriComponent() is { Length: > 0 } path ? path : "/";
        Query = http.QueryString.Value is { Length: > 1 } query ? query[1..] : string.Empty;
        Headers = http.Headers;
        ContentType = http.ContentType;
        Body = body;
        Signature = SignatureHeader.TryParse(http.Headers.Authorization.ToString());
    }

    public string Method { get; }

    public string Path { get; }

    public string Query { get; }

    public IHeaderDictionary Headers { get; }

    public string? ContentType { get; }

    public byte[] Body { get; }

    /// <summary>The parsed Authorization header; null when there is none or it is not SigV4.</summary>
    public SignatureHeader? Signature { get; }

    /// <summary>
    /// The Region of the credential scope. An unsigned STS request belongs to the Region that its path names
    /// (<see cref="LocalAwsServer.EndpointIn"/>), else to the global endpoint.
    /// </summary>
    public string Region => Signature?.Region ?? (Path.Trim('/') is { Length: > 0 } region && IsName(region) ? region : "us-east-1");

    public string? UserAgent => Headers.UserAgent is { Count: > 0 } agent ? agent.ToString() : null;

    public static async Task<WireRequest> ReadAsync(HttpRequest http, CancellationToken cancellationToken)
    {
        using var body = new MemoryStream();
        await http.Body.CopyToAsync(body, cancellationToken);
        return new WireRequest(http, body.ToArray());
    }

    private static bool IsName(string text) => text.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c == '-');
}
