namespace Columns;

/// <summary>A KMS key or an IAM role that a tenant has registered.</summary>
public sealed class StoredKeyResource
{
    /// <summary>The key or role, as <see cref="Scalr.Byok.Kms.ByokTenantResources"/> writes it. Only one tenant can have it.</summary>
    public required string Resource { get; init; }

    /// <summary>The tenant.</summary>
    public required string Tenant { get; init; }
}
