using Scalr.Byok.Kms.DataKeys;
using Scalr.Byok.Kms.Messages;

namespace Scalr.Byok.Kms.KeyRing;

/// <summary>The operator's options as key rings need them. Made once, because a host has thousands of rings.</summary>
internal sealed record RingOptions
{
    /// <summary>The format of messages, and the limits of what is read.</summary>
    public required MessageOptions Messages { get; init; }

    /// <summary>The lifetimes of the facts.</summary>
    public required KeyUseLimits Use { get; init; }

    /// <summary>The limits of the caches; null if the caches are off.</summary>
    public required ByokDataKeyCacheOptions? Caching { get; init; }

    /// <summary>The lifetime of a cached data key, in ticks.</summary>
    public required long MaxAge { get; init; }

    /// <summary>How much longer a cached data key may be used in an outage.</summary>
    public required TimeSpan Grace { get; init; }

    /// <summary>The maximum age of the last acceptance under a wrapping key.</summary>
    public required TimeSpan Interval { get; init; }

    public static RingOptions From(ByokOptions options) => new()
    {
        Messages = MessageOptions.From(options),
        Use = new KeyUseLimits(options),
        Caching = options.DataKeyCache.MaxAge > TimeSpan.Zero ? options.DataKeyCache : null,
        MaxAge = options.DataKeyCache.MaxAge.Ticks,
        Grace = options.DataKeyCache.OutageGrace,
        Interval = options.ConfirmationInterval,
    };
}
