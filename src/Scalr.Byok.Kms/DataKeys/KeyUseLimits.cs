namespace Scalr.Byok.Kms.DataKeys;

/// <summary>How long facts permit the use of a key, in ticks.</summary>
internal sealed record KeyUseLimits
{
    public KeyUseLimits(ByokOptions options)
    {
        Interval = options.ConfirmationInterval.Ticks;
        RoleInterval = options.RoleCheckInterval.Ticks;

        // Without a cache an open data key or a stream lives as long as a confirmation.
        MaxAge = options.DataKeyCache.MaxAge > TimeSpan.Zero ? options.DataKeyCache.MaxAge.Ticks : Interval;
        Grace = options.DataKeyCache.OutageGrace.Ticks;
    }

    /// <summary>The longest time since an acceptance under the wrapping key.</summary>
    public long Interval { get; }

    /// <summary>The longest time since the newest session of a role was requested.</summary>
    public long RoleInterval { get; }

    /// <summary>The longest time since an acceptance of the data key's own ciphertext.</summary>
    public long MaxAge { get; }

    /// <summary>How much longer in an outage.</summary>
    public long Grace { get; }
}
