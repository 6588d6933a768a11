namespace Scalr.Byok.Kms.Diagnostics;

/// <summary>Why a cache erased a data key, for metrics.</summary>
internal static class EvictionCause
{
    public const string Age = "age";

    /// <summary>The limit of messages or bytes was reached.</summary>
    public const string Limit = "limit";

    /// <summary>Replaced before its limits were reached.</summary>
    public const string Renewed = "renewed";

    /// <summary>The cache was full, and this data key was the least recently used.</summary>
    public const string Room = "room";

    public const string Revoked = "revoked";

    public const string Disposed = "disposed";
}
