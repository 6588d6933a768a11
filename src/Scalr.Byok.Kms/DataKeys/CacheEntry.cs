using Scalr.Byok.Kms.Diagnostics;

namespace Scalr.Byok.Kms.DataKeys;

/// <summary>One place in a <see cref="DataKeyCache"/>, guarded by the lock of the cache.</summary>
internal sealed class CacheEntry
{
    private const double RenewalAge = 0.8;
    private static readonly TimeSpan FirstPause = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(15);

    private readonly CacheTerms _terms;
    private long _born;
    private long _messages;
    private TimeSpan _pause;
    private TimeSpan _dueFrom;

    public CacheEntry(byte[] id, CacheTerms terms)
    {
        Id = id;
        _terms = terms;
    }

    public byte[] Id { get; }

    public CachedKey? Key { get; private set; }

    /// <summary>The call that makes the first or the next key; null if none is under way.</summary>
    public Task<CachedKey>? Making { get; set; }

    public long Bytes { get; set; }

    /// <summary>Whether the key should be replaced before its time is over.</summary>
    public bool IsDue => Making is null && Age >= _dueFrom && (Age >= _terms.Limits.MaxAge * RenewalAge || HasReached(RenewalAge));

    /// <summary>Why the key goes, if it is neither for room nor for a revocation: an <see cref="EvictionCause"/>.</summary>
    public string Spent => Age >= _terms.Limits.MaxAge ? EvictionCause.Age : HasReached(1) ? EvictionCause.Limit : EvictionCause.Renewed;

    private TimeSpan Age => _terms.Time.GetElapsedTime(_born);

    /// <summary>Whether there is a key that may be used up to this age.</summary>
    public bool Serves(TimeSpan age) => Key is not null && Age < age && !HasReached(1);

    public void Count(long bytes)
    {
        _messages++;
        Bytes += bytes;
    }

    public void Take(CachedKey key)
    {
        Erase(Spent);
        (Key, _born, _messages, Bytes, Making) = (key, _terms.Time.GetTimestamp(), 0, 0, null);
        (_pause, _dueFrom) = (TimeSpan.Zero, TimeSpan.Zero);
        _terms.Meter.Added();
    }

    /// <summary>The next key could not be made. The next attempt in the background has to wait: 1 second at first, then twice as long each time, up to 15 seconds.</summary>
    public void Fail()
    {
        _pause = _pause == TimeSpan.Zero ? FirstPause : TimeSpan.FromTicks(Math.Min(_pause.Ticks * 2, LongestPause.Ticks));
        _dueFrom = Age + _pause;
    }

    /// <param name="cause">An <see cref="EvictionCause"/>.</param>
    public void Erase(string cause)
    {
        if (Key is { } key)
        {
            key.Key.Dispose();
            Key = null;
            _terms.Meter.Evicted(cause);
        }
    }

    private bool HasReached(double share) => _messages >= _terms.Limits.MaxMessages * share || Bytes >= _terms.Limits.MaxBytes * share;
}
