using Scalr.Byok.Kms;

namespace WebHost.Events;

/// <summary>A key event of an account, as the library has reported it.</summary>
public sealed class StoredKeyEvent
{
    /// <summary>The order of arrival.</summary>
    public long Id { get; init; }

    /// <summary>The tenant.</summary>
    public required string Tenant { get; init; }

    /// <summary>The key.</summary>
    public required string KeyArn { get; init; }

    /// <summary>What happened.</summary>
    public ByokKeyEventKind Kind { get; init; }

    /// <summary>The reason or finding.</summary>
    public required string Code { get; init; }

    /// <summary>Who has to act.</summary>
    public ByokKeyFindingOwner Owner { get; init; }

    /// <summary>What happened, in words for the customer.</summary>
    public required string Message { get; init; }

    /// <summary>What to do, in words for the customer.</summary>
    public required string Remedy { get; init; }

    /// <summary>When the state began (UTC).</summary>
    public DateTime Start { get; init; }

    /// <summary>When the data becomes unreadable or the key is lost, if it is known (UTC).</summary>
    public DateTime? Deadline { get; init; }
}
