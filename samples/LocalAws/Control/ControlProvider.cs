namespace LocalAws.Control;

/// <summary>An OpenID Connect provider to register.</summary>
internal sealed record ControlProvider(string Issuer, string[] Audiences, Uri? Discovery = null);
