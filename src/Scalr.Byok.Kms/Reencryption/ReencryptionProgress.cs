using System.Globalization;

namespace Scalr.Byok.Kms;

/// <summary>The progress of a run. Contains no content and no secret.</summary>
/// <remarks>
/// Numbers are of this run alone: a run that resumes from a checkpoint starts at 0. <see cref="Seen"/> is the sum of <see cref="Moved"/>,
/// <see cref="AlreadyCurrent"/>, <see cref="Conflicts"/> and <see cref="Quarantined"/>.
/// </remarks>
public sealed class ReencryptionProgress
{
    internal ReencryptionProgress()
    {
    }

    /// <summary>The number of items that are processed.</summary>
    public long Seen { get; internal init; }

    /// <summary>The number of items that were moved to the target key. In a dry run: that could be moved.</summary>
    public long Moved { get; internal init; }

    /// <summary>The number of items that already had the target form and key. They were not decrypted.</summary>
    public long AlreadyCurrent { get; internal init; }

    /// <summary>
    /// The number of items that another writer changed or deleted meanwhile. The other writer's content was kept. It is left for the next
    /// run, if it is not under the target key.
    /// </summary>
    public long Conflicts { get; internal init; }

    /// <summary>The number of items that could not be moved and were left as they are.</summary>
    public long Quarantined { get; internal init; }

    /// <summary>
    /// The quarantined items that are new in this progress. The run does not keep them: store them. A run that was stopped may list items
    /// again when it is resumed.
    /// </summary>
    public IReadOnlyList<QuarantinedItem> NewlyQuarantined { get; internal init; } = [];

    /// <summary>
    /// The key of the last item before which everything is processed; null if there is none yet. Store it, and pass it to
    /// <see cref="ReencryptionOptions.Checkpoint"/> to resume. Repeating items does no harm.
    /// </summary>
    public string? Checkpoint { get; internal init; }

    /// <summary>The number of items that were processed per second, on average since the start of the run and without pauses.</summary>
    public double ItemsPerSecond { get; internal init; }

    /// <summary>
    /// The time that the remaining items need at this rate; null if the source is no <see cref="ICountedReencryptionSource"/> or there is
    /// no rate yet. Does not include the final count.
    /// </summary>
    public TimeSpan? RemainingTime { get; internal init; }

    /// <summary>The pause that the run is in; null while it works.</summary>
    public ReencryptionPause? Pause { get; internal init; }

    /// <summary>
    /// The result of the final count over the whole source, whatever the run's checkpoint. Null until the end of the run; not null in its
    /// last progress.
    /// </summary>
    public ReencryptionCount? Count { get; internal init; }

    /// <summary>The numbers as a text for logs.</summary>
    /// <returns>The text.</returns>
    public override string ToString()
    {
        var numbers = string.Create(
            CultureInfo.InvariantCulture,
            $"{Seen:N0} seen, {Moved:N0} moved, {AlreadyCurrent:N0} already current, {Conflicts:N0} conflicts, "
            + $"{Quarantined:N0} quarantined");
        return Count is not null ? $"{numbers}. {Count}" : Pause is not null ? $"{numbers}, paused" : numbers;
    }
}
