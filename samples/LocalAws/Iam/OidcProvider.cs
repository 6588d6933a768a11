namespace LocalAws.Iam;

/// <summary>An OpenID Connect issuer that an account has registered.</summary>
internal sealed class OidcProvider
{
    private readonly Uri? _discovery;

    public OidcProvider(string accountId, string issuer, string[] audiences, Uri? discovery)
    {
        var uri = Uri.TryCreate(issuer, UriKind.Absolute, out var parsed) && parsed.Scheme is "https" or "http"
            ? parsed
            : throw new ArgumentException("An issuer must be an https or http address.", nameof(issuer));
        if (discovery is { IsLoopback: false } || (discovery is null && uri.Scheme == "http" && !uri.IsLoopback))
        {
            throw new ArgumentException("LocalAws reads issuers on loopback addresses only.", nameof(discovery));
        }

        Issuer = issuer;
        Audiences = audiences;
        Name = issuer[(issuer.IndexOf("://", StringComparison.Ordinal) + 3)..].TrimEnd('/');
        Arn = $"arn:aws:iam::{accountId}:oidc-provider/{Name}";
        _discovery = discovery;
    }

    public string Issuer { get; }

    public IReadOnlyList<string> Audiences { get; }

    /// <summary>The issuer without its scheme: the prefix of its condition keys.</summary>
    public string Name { get; }

    public string Arn { get; }

    public string Configuration => (_discovery?.ToString() ?? Issuer).TrimEnd('/') + "/.well-known/openid-configuration";
}
