namespace Scalr.Byok.Kms.KeyRing;

/// <summary>A key ring that knows whether AWS currently denies the use of its key.</summary>
internal interface IDeniableKeyRing
{
    /// <summary>Whether a denial of the key or of one of its actions is remembered.</summary>
    bool IsDenied { get; }
}

/// <summary>
/// A key ring whose settings may change, and that may be evicted before a health check reaches it. A probe neither creates it again nor
/// keeps it alive.
/// </summary>
internal interface IEvictableKeyRing
{
    /// <summary>Whether it is evicted.</summary>
    bool IsGone { get; }

    /// <summary>The ring that a probe queries: another object once the settings have changed.</summary>
    object Version { get; }

    /// <summary>As <see cref="IByokKeyRing.ProbeAsync"/>; null if the ring is evicted.</summary>
    Task<ByokKeyHealth?> ProbeUnlessEvictedAsync(CancellationToken cancellationToken);
}
