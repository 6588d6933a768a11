namespace WebHost.Moves;

/// <summary>The progress of an account's move, over all sources.</summary>
/// <param name="Total">The number of items.</param>
/// <param name="Processed">The number of items that are processed.</param>
/// <param name="Rate">Items per second.</param>
/// <param name="Quarantined">The number of items that cannot be moved.</param>
/// <param name="Pause">Why the move pauses; null while it runs.</param>
public sealed record MoveProgress(long Total, long Processed, double Rate, long Quarantined, string? Pause)
{
    /// <summary>The time that the remaining items need at this rate; null while there is no rate.</summary>
    public TimeSpan? Remaining => Rate > 0 ? TimeSpan.FromSeconds((Total - Processed) / Rate) : null;

    /// <summary>The progress of the rows of one move.</summary>
    public static MoveProgress Of(IReadOnlyCollection<Move> moves)
    {
        var total = moves.Sum(move => Math.Max(move.Total, move.Processed));
        var done = moves.Sum(move => move.IsFinished ? Math.Max(move.Total, move.Processed) : move.Processed);
        return new(
            total,
            done,
            moves.LastOrDefault(move => move.Rate > 0 && !move.IsFinished)?.Rate ?? moves.Select(move => move.Rate).DefaultIfEmpty().Max(),
            moves.Sum(move => move.Quarantined),
            moves.Select(move => move.Pause).FirstOrDefault(pause => pause is not null));
    }
}
