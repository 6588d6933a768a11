using Microsoft.Extensions.Configuration;
using Scalr.Byok.Kms;

namespace Byok.Cli.Settings;

/// <summary>
/// All settings of the key that a command gets, valid or not: one configuration of file, environment and options. Contains secrets.
/// </summary>
/// <param name="Configuration">The sections <see cref="HostSection"/> and <see cref="KeySection"/>.</param>
/// <param name="TokenFile">The file with the token for credentials of type Oidc; null if none is given.</param>
internal sealed record KeySettings(IConfigurationRoot Configuration, string? TokenFile)
{
    /// <summary>The section of the host's options.</summary>
    public const string HostSection = "Byok";

    /// <summary>The section of the customer's settings.</summary>
    public const string KeySection = "Key";

    /// <summary>The customer's credentials.</summary>
    public const string CredentialsSection = $"{KeySection}:{nameof(ByokKeySettings.Credentials)}";

    /// <summary>A text without any secret.</summary>
    public override string ToString() => Configuration[$"{KeySection}:{nameof(ByokKeySettings.KeyArn)}"] ?? "(no key ARN)";

    /// <summary>Whether the current key is reached by credentials of a type.</summary>
    public bool IsOfType(string type) => IsOfType(Configuration.GetSection(KeySection), type);

    /// <summary>Whether the current key or a previous one is reached by credentials of a type.</summary>
    public bool UsesType(string type) =>
        IsOfType(type)
        || Configuration.GetSection($"{KeySection}:{nameof(ByokKeySettings.PreviousKeys)}").GetChildren().Any(key => IsOfType(key, type));

    private static bool IsOfType(IConfigurationSection key, string type) =>
        string.Equals(
            key[$"{nameof(ByokKeySettings.Credentials)}:{nameof(ByokCredentialSettings.Type)}"], type, StringComparison.OrdinalIgnoreCase);
}
