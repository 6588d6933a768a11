namespace Reencryption;

/// <summary>How moves run: the section <c>Moves</c> of the host's configuration.</summary>
public sealed class MoveOptions
{
    /// <summary>The number of moves that one process runs at the same time.</summary>
    public int MovesAtOnce { get; set; } = 4;

    /// <summary>How long a move runs before the next one has its turn. It goes on from its checkpoint later.</summary>
    public TimeSpan Turn { get; set; } = TimeSpan.FromMinutes(1);

    /// <summary>How often the host looks for moves.</summary>
    public TimeSpan PollInterval { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>The number of batches of one move that are processed at the same time. SQLite has one writer at a time.</summary>
    public int MaxDegreeOfParallelism { get; set; } = 2;

    /// <summary>The largest number of values of one move per second; null: no limit.</summary>
    public double? MaxItemsPerSecond { get; set; }

    /// <summary>The longest time between two attempts while the customer's key is unavailable.</summary>
    public TimeSpan MaxRetryDelay { get; set; } = TimeSpan.FromMinutes(1);
}
