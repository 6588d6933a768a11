using Scalr.Byok.Kms;

namespace Reencryption.Demo;

/// <summary>What the demonstration has found.</summary>
public sealed record DemoResult
{
    /// <summary>The moves at their end.</summary>
    public required IReadOnlyList<StoredMove> Moves { get; init; }

    /// <summary>A count of each column after the end, by another process than those that ran the moves.</summary>
    public required IReadOnlyDictionary<string, ReencryptionCount> Counts { get; init; }

    /// <summary>The name of the old data key in <see cref="Counts"/>.</summary>
    public required string OldKey { get; init; }

    /// <summary>The values that could not be moved.</summary>
    public required IReadOnlyList<QuarantinedValue> Quarantined { get; init; }

    /// <summary>The ids of the rows that were damaged.</summary>
    public required IReadOnlyCollection<Guid> Damaged { get; init; }

    /// <summary>The number of processes that were killed.</summary>
    public required int Kills { get; init; }

    /// <summary>The report of a move that paused; null if none did.</summary>
    public required string? Pause { get; init; }

    /// <summary>The number of updates by writers.</summary>
    public required long Writes { get; init; }

    /// <summary>The number of rows that the reader has read.</summary>
    public required long Reads { get; init; }

    /// <summary>Reads that failed, or returned something older than what a writer had stored before.</summary>
    public required IReadOnlyList<string> WrongReads { get; init; }

    /// <summary>The number of rows that do not have what a writer stored last.</summary>
    public required int LostUpdates { get; init; }

    /// <summary>kms:Encrypt and kms:Decrypt of all processes while the moves ran.</summary>
    public required (int Encrypt, int Decrypt) KmsCalls { get; init; }

    /// <summary>How long the moves took.</summary>
    public required TimeSpan Time { get; init; }
}
