namespace Scalr.Byok.Kms.KeyRing;

/// <summary>A key ring that knows whether AWS denies the use of its key at the moment.</summary>
internal interface IDeniableKeyRing
{
    /// <summary>Whether a denial of the key or of one of its actions stands.</summary>
    bool IsDenied { get; }
}

/// <summary>A key ring that may be gone when the health check comes to it. To look at it neither brings it back nor keeps it.</summary>
internal interface IPassingKeyRing
{
    /// <summary>Whether it is gone.</summary>
    bool IsGone { get; }

    /// <summary>As <see cref="IByokKeyRing.ProbeAsync"/>; null if the ring is gone.</summary>
    Task<KeyHealth?> ProbeIfThereAsync(CancellationToken cancellationToken);
}
