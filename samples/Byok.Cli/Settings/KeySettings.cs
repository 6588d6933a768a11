using Microsoft.Extensions.Configuration;
using Scalr.Byok.Kms;

namespace Byok.Cli.Settings;

/// <summary>Everything a command is told about the key, whether it is right or not. Holds secrets.</summary>
/// <param name="Key">What the customer typed.</param>
/// <param name="Host">The section of the host's options.</param>
/// <param name="AllowedRegions">In place of those in <paramref name="Host"/>, unless empty.</param>
/// <param name="Endpoint">In place of all in <paramref name="Host"/>; null for none.</param>
/// <param name="TokenFile">Where the token is for credentials of type Oidc; null for nowhere.</param>
internal sealed record KeySettings(ByokKeySettings Key, IConfiguration Host, IReadOnlyList<string> AllowedRegions, Uri? Endpoint, string? TokenFile)
{
    /// <summary>No secret.</summary>
    public override string ToString() => Key.ToString();

    public bool IsOfType(string type) => string.Equals(Key.Credentials.Type, type, StringComparison.OrdinalIgnoreCase);
}
