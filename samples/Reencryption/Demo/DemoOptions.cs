namespace Reencryption.Demo;

/// <summary>What the demonstration does.</summary>
public sealed record DemoOptions
{
    /// <summary>The way moves run.</summary>
    public Way Way { get; init; }

    /// <summary>The connection string of a PostgreSQL server whose user may create databases; null: SQLite.</summary>
    public string? Postgres { get; init; }

    /// <summary>The number of rows. Each has two encrypted values.</summary>
    public int Rows { get; init; } = 100_000;

    /// <summary>The number of processes that run moves.</summary>
    public int Runners { get; init; } = 1;

    /// <summary>How long a process moves values until it is killed; null: no process is killed.</summary>
    public TimeSpan? KillAfter { get; init; }

    /// <summary>The number of values that a process moves at least before it is killed.</summary>
    public int KillAfterValues { get; init; } = 1;

    /// <summary>
    /// The number of values after which a process that will be killed waits for that, so that a fast process cannot end before; null: it
    /// does not wait.
    /// </summary>
    public int? WaitAfterValues { get; init; }

    /// <summary>The largest number of processes that are killed.</summary>
    public int MaxKills { get; init; } = int.MaxValue;

    /// <summary>Whether another process is started for each that was killed. If not, those that are left move the rest.</summary>
    public bool RestartsKilled { get; init; } = true;

    /// <summary>How long each of the writers pauses between two rows.</summary>
    public TimeSpan WritePause { get; init; } = TimeSpan.FromMilliseconds(20);

    /// <summary>How many times as long as a read the reader pauses after it: most of the processor is for the others.</summary>
    public int ReadPause { get; init; } = 3;

    /// <summary>The number of rows whose value is damaged before the moves begin.</summary>
    public int DamagedRows { get; init; }

    /// <summary>Whether the customer disables the key in the middle, and enables it when a move reports that.</summary>
    public bool DisablesKey { get; init; }

    /// <summary>The share of requests that AWS KMS throttles: 0 to 1.</summary>
    public double Throttled { get; init; }

    /// <summary>Settings of the processes that run moves, as configuration keys and values.</summary>
    public IReadOnlyDictionary<string, string> Settings { get; init; } = new Dictionary<string, string>();

    /// <summary>How long the moves may take.</summary>
    public TimeSpan Limit { get; init; } = TimeSpan.FromHours(2);

    /// <summary>Where the course of the demonstration is written to.</summary>
    public TextWriter Output { get; init; } = TextWriter.Null;
}
