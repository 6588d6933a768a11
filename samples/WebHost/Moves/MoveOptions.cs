namespace WebHost.Moves;

/// <summary>How data moves to another key: the section <c>Moves</c> of the configuration.</summary>
public sealed class MoveOptions
{
    /// <summary>How often the job looks for accounts whose data moves.</summary>
    public TimeSpan PollInterval { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>The number of accounts whose data moves at the same time in one process.</summary>
    public int AccountsAtOnce { get; set; } = 4;

    /// <summary>The number of values in a batch. A kill repeats at most one batch.</summary>
    public int BatchSize { get; set; } = 200;

    /// <summary>The number of batches at the same time. SQLite has one writer at a time.</summary>
    public int MaxDegreeOfParallelism { get; set; } = 1;

    /// <summary>The largest number of values per second and account; null: no limit.</summary>
    public double? MaxItemsPerSecond { get; set; }

    /// <summary>The longest time between two attempts while the customer's key is unavailable.</summary>
    public TimeSpan MaxRetryDelay { get; set; } = TimeSpan.FromSeconds(5);
}
