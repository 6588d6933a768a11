using Scalr.Byok.Kms;

namespace Reencryption;

/// <summary>A value that could not be moved, and was left as it is.</summary>
public sealed class QuarantinedValue
{
    /// <summary>The tenant.</summary>
    public required string Tenant { get; init; }

    /// <summary>Table and column.</summary>
    public required string Column { get; init; }

    /// <summary>The row.</summary>
    public required string Key { get; init; }

    /// <summary>Why it could not be moved.</summary>
    public ReencryptionQuarantineReason Reason { get; init; }
}
