namespace WebHost.Moves;

/// <summary>How far the data of one source (an encrypted column, or the files) has moved to another key.</summary>
public sealed class Move
{
    /// <summary>The move of the account that this row belongs to.</summary>
    public required Guid MoveId { get; init; }

    /// <summary>The source, such as <c>variables.value</c>.</summary>
    public required string Source { get; init; }

    /// <summary>The key of the last item before which everything is processed. A restarted process resumes there.</summary>
    public string? Checkpoint { get; set; }

    /// <summary>The number of items when the move began.</summary>
    public long Total { get; set; }

    /// <summary>The number of items that are processed. After a kill, up to one batch is counted twice.</summary>
    public long Processed { get; set; }

    /// <summary>Items per second.</summary>
    public double Rate { get; set; }

    /// <summary>Whether a count has proved that nothing remains.</summary>
    public bool IsFinished { get; set; }

    /// <summary>The number of items that cannot be moved.</summary>
    public long Quarantined { get; set; }

    /// <summary>Why the move pauses; null while it runs. It can be shown to the customer.</summary>
    public string? Pause { get; set; }
}
