namespace Reencryption;

/// <summary>One encrypted column of one tenant that moves to the tenant's newest data key, in a table of the host's database.</summary>
public sealed class StoredMove
{
    /// <summary>The tenant.</summary>
    public required string Tenant { get; init; }

    /// <summary>Table and column, such as <c>variables.value</c>.</summary>
    public required string Column { get; init; }

    /// <summary>Where the move is.</summary>
    public MoveStatus Status { get; init; }

    /// <summary>The key of the last row before which everything is processed; null: the move begins with the first row.</summary>
    public string? Checkpoint { get; init; }

    /// <summary>The number of values that were moved, in all passes. After a kill, up to one batch is missing.</summary>
    public long Moved { get; init; }

    /// <summary>The last progress, or why the move pauses or failed.</summary>
    public string Report { get; init; } = "";

    /// <summary>When the move was served last. The one that waits longest is served next.</summary>
    public DateTime ServedAt { get; init; }
}
