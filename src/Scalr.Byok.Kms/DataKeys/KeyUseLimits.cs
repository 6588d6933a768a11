namespace Scalr.Byok.Kms.DataKeys;

/// <summary>The lifetimes of the facts that permit the use of a key, in ticks.</summary>
internal sealed record KeyUseLimits
{
    public KeyUseLimits(ByokOptions options)
    {
        Interval = options.ConfirmationInterval.Ticks;
        RoleInterval = options.RoleCheckInterval.Ticks;

        // Without a cache, the confirmation of an open data key or a stream also covers the data key itself.
        MaxAge = options.DataKeyCache.MaxAge > TimeSpan.Zero ? options.DataKeyCache.MaxAge.Ticks : Interval;
        Grace = options.DataKeyCache.OutageGrace.Ticks;
    }

    /// <summary>The maximum age of the last acceptance under the wrapping key.</summary>
    public long Interval { get; }

    /// <summary>The maximum age of the newest session of a role, counted from its request.</summary>
    public long RoleInterval { get; }

    /// <summary>The maximum age of the last acceptance of the data key's own ciphertext.</summary>
    public long MaxAge { get; }

    /// <summary>The extension of the lifetimes in an outage.</summary>
    public long Grace { get; }
}
