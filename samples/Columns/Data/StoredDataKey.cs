namespace Columns;

/// <summary>A tenant's data key, encrypted under the tenant's KMS key. Losing it loses every value under it; it is not secret.</summary>
public sealed class StoredDataKey
{
    /// <summary>Whose key it is.</summary>
    public required string Tenant { get; init; }

    /// <summary>1 for the tenant's first, one more for each that takes its place.</summary>
    public required int Number { get; init; }

    /// <summary>The message that holds it.</summary>
    public required byte[] EncryptedKey { get; init; }
}
