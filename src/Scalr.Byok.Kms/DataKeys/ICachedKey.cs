namespace Scalr.Byok.Kms.DataKeys;

/// <summary>A plaintext data key that can be cached. <see cref="IDisposable.Dispose"/> erases it and what belongs to it.</summary>
internal interface ICachedKey : IDisposable
{
    DataKey Key { get; }

    Origin Origin { get; }

    /// <summary>The wrapping key.</summary>
    KeyAccess Access { get; }

    /// <summary>When the lifetime started, in ticks of <see cref="Resilience.AgeClock"/>.</summary>
    long Since { get; }
}
