namespace Scalr.Byok.Kms.Fleet;

/// <summary>What an entry is about. The number is part of the format.</summary>
internal enum EntryKind : byte
{
    /// <summary>AWS KMS accepted kms:Encrypt.</summary>
    Encrypt = 1,

    /// <summary>AWS KMS accepted kms:Decrypt.</summary>
    Decrypt = 2,

    /// <summary>AWS denied the key or an action.</summary>
    Denial = 3,

    /// <summary>AWS STS granted a session.</summary>
    Session = 4,

    /// <summary>The version of a tenant's settings.</summary>
    Version = 5,

    /// <summary>An instance is asking AWS KMS now.</summary>
    Asking = 6,

    /// <summary>An instance has reported a key event.</summary>
    Reported = 7,

    /// <summary>An instance has queried a key by kms:DescribeKey, for key events.</summary>
    Queried = 8,
}

/// <summary>The content of an entry in the host's cache. It has no key, no session and no secret, and names no ARN.</summary>
/// <param name="Time">
/// AWS's time, in ticks of UTC: the earliest moment at which the request may have been sent. 0 for a version and for a report.
/// </param>
/// <param name="Actions">The actions that a denial concerns (<see cref="OfEncrypt"/>, <see cref="OfDecrypt"/>).</param>
/// <param name="Region">The Region that answered: 0 for the key's own, then its replicas.</param>
/// <param name="Reason">The reason of a denial.</param>
/// <param name="Instance">The random id of the instance that wrote the entry.</param>
/// <param name="Value">The version of a tenant's settings, which is random.</param>
internal readonly record struct FleetEntry(
    long Time, byte Actions, byte Region, ByokKeyUnavailableReason Reason, Guid Instance, Guid Value)
{
    public const byte OfEncrypt = 1;
    public const byte OfDecrypt = 2;
}
