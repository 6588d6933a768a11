using Columns.Encryption;

namespace Columns;

/// <summary>What a tenant gave to reach a cloud provider.</summary>
public sealed class ProviderCredentials : TenantRow
{
    /// <summary>The kind of provider; unencrypted.</summary>
    public required string Kind { get; set; }

    /// <summary>The account's name at the provider.</summary>
    [Encrypted("provider_credentials", "account")]
    public required string Account { get; set; }

    /// <summary>The secret.</summary>
    [Encrypted("provider_credentials", "secret")]
    public required string Secret { get; set; }
}
