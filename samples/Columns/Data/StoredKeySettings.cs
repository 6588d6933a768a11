namespace Columns;

/// <summary>A tenant's key settings, with the secrets encrypted by the host.</summary>
public sealed class StoredKeySettings
{
    /// <summary>The tenant.</summary>
    public required string Tenant { get; init; }

    /// <summary>What <see cref="Scalr.Byok.Kms.ByokKeySettingsJson"/> wrote.</summary>
    public required string Json { get; set; }
}
