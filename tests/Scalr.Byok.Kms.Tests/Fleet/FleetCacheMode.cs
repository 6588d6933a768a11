namespace Scalr.Byok.Kms.Tests.Fleet;

/// <summary>What the host's cache does.</summary>
internal enum FleetCacheMode
{
    Works,

    /// <summary>Each call throws.</summary>
    Throws,

    /// <summary>Each call throws before it returns a task.</summary>
    ThrowsAtOnce,

    /// <summary>No call ends.</summary>
    Hangs,

    /// <summary>Each read returns other bytes.</summary>
    Garbage,

    /// <summary>Each read returns the first entry that was ever written there.</summary>
    Oldest,

    /// <summary>Writes are confirmed and ignored: each read returns the last entry from before.</summary>
    Frozen,

    /// <summary>Each read returns an entry of another place.</summary>
    Swapped,
}
