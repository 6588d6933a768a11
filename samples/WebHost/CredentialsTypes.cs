using Scalr.Byok.Kms;

namespace WebHost;

/// <summary>The three credentials types, named as in the product's documentation.</summary>
public static class CredentialsTypes
{
    /// <summary>The types and their names.</summary>
    public static IReadOnlyDictionary<string, string> All { get; } = new Dictionary<string, string>
    {
        [ByokCredentialSettings.AccessKeysType] = "Access Keys",
        [ByokCredentialSettings.AssumeRoleType] = "Assume Role",
        [ByokCredentialSettings.OidcType] = "OIDC",
    };

    /// <summary>The name of a type.</summary>
    public static string NameOf(string? type) => type is not null && All.TryGetValue(type, out var name) ? name : "unknown";
}
