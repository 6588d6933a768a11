namespace Scalr.Byok.Kms.Credentials;

/// <summary>The facts about the rings of the host that token sources need.</summary>
internal interface IOidcRings
{
    /// <summary>The names of the rings of <c>AddKeyRing</c>; empty for the unnamed ring.</summary>
    IReadOnlySet<string> Names { get; }

    /// <summary>The names of the rings whose current settings have credentials of type Oidc.</summary>
    IEnumerable<string> UsingOidc();

    /// <summary>The canonical name of a tenant.</summary>
    string Canonical(string tenant);
}
