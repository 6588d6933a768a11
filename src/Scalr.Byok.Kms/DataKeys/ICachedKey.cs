namespace Scalr.Byok.Kms.DataKeys;

/// <summary>A plaintext data key that can be cached.</summary>
internal interface ICachedKey
{
    DataKey Key { get; }

    Origin Origin { get; }

    /// <summary>The wrapping key.</summary>
    KeyAccess Access { get; }

    /// <summary>When the lifetime started, in ticks of <see cref="Resilience.AgeClock"/>.</summary>
    long Since { get; }
}
