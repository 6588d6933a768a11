namespace Scalr.Byok.Kms.Diagnostics;

/// <summary>Why a cache erased a data key, as metrics tell it.</summary>
internal static class EvictionCause
{
    public const string Age = "age";

    /// <summary>As many messages or bytes as it may serve for.</summary>
    public const string Limit = "limit";

    /// <summary>Another one took its place ahead of time.</summary>
    public const string Renewed = "renewed";

    /// <summary>The cache was full, and this one least recently used.</summary>
    public const string Room = "room";

    public const string Revoked = "revoked";

    public const string Disposed = "disposed";
}
