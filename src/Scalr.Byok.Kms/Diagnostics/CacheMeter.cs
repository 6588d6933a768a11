using System.Diagnostics.Metrics;

namespace Scalr.Byok.Kms.Diagnostics;

/// <summary>Counts the events of all rings' caches of one kind.</summary>
internal sealed class CacheMeter
{
    public static readonly CacheMeter Encryption = new("encryption");
    public static readonly CacheMeter Decryption = new("decryption");

    private readonly KeyValuePair<string, object?> _cache;
    private long _keys;

    private CacheMeter(string cache) => _cache = new("cache", cache);

    /// <summary>The number of cached keys.</summary>
    public static IEnumerable<Measurement<long>> Measurements => [Encryption.Measurement, Decryption.Measurement];

    private Measurement<long> Measurement => new(Interlocked.Read(ref _keys), _cache);

    /// <summary>Counts a hit or a miss.</summary>
    public void Asked(bool hasIt)
    {
        if (hasIt)
        {
            Instruments.Hit(_cache);
        }
        else
        {
            Instruments.Missed(_cache);
        }
    }

    public void Added() => Interlocked.Increment(ref _keys);

    /// <param name="cause">An <see cref="EvictionCause"/>.</param>
    public void Evicted(string cause)
    {
        Interlocked.Decrement(ref _keys);
        Instruments.Evicted(_cache, cause);
    }
}
