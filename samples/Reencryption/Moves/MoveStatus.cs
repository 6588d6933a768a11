namespace Reencryption;

/// <summary>Where a move is.</summary>
public enum MoveStatus
{
    /// <summary>It waits for its turn, or runs.</summary>
    Open = 0,

    /// <summary>AWS gives no usable answer. The move goes on by itself.</summary>
    Paused,

    /// <summary>The customer's key is unavailable: show the report to the customer. The move goes on when the key is available.</summary>
    KeyUnavailable,

    /// <summary>A count has proved that no value is under an older data key.</summary>
    Finished,

    /// <summary>All values were moved but those in the list of quarantined values. A person has to decide about them.</summary>
    NeedsAttention,
}
