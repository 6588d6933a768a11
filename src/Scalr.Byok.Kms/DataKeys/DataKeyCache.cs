using System.Diagnostics.CodeAnalysis;
using Scalr.Byok.Kms.Diagnostics;

namespace Scalr.Byok.Kms.DataKeys;

/// <summary>
/// A cache of plaintext data keys with limits on age, use and number. Evicts the least recently used key first. Safe for concurrent use.
/// </summary>
/// <remarks>
/// A key that leaves the cache is erased as soon as no operation uses it. The cache does not decide whether a key may be used:
/// <see cref="KeyAccess"/> does, at each use.
/// </remarks>
/// <typeparam name="T">A data key with what belongs to it.</typeparam>
internal sealed class DataKeyCache<T>
    where T : class, ICachedKey
{
    /// <summary>The share of its limits from which a key should be replaced in the background.</summary>
    private const double RenewalShare = 0.8;

    private readonly ByokDataKeyCacheOptions _options;
    private readonly CacheMeter _meter;
    private readonly Lock _gate = new();

    // Both collections have the same entries, so one lock guards both.
    private readonly LinkedList<Entry> _byUse = new();
    private readonly Dictionary<byte[], LinkedListNode<Entry>> _entries = new(BytesComparer.Instance);
    private bool _disposed;

    public DataKeyCache(ByokDataKeyCacheOptions options, CacheMeter meter)
    {
        _options = options;
        _meter = meter;
    }

    public bool IsEmpty
    {
        get
        {
            lock (_gate)
            {
                return _entries.Count == 0;
            }
        }
    }

    /// <summary>
    /// Finds a key that has not expired and starts an operation with it. The caller ends the operation by <see cref="DataKey.Exit"/>.
    /// </summary>
    /// <param name="id">The id of the entry.</param>
    /// <param name="bytes">The number of plaintext bytes to use the key for. They count towards its limit.</param>
    /// <param name="now">The time.</param>
    /// <param name="grace">How much older than its lifetime the key may be.</param>
    /// <param name="key">The key.</param>
    /// <param name="isDue">Whether the key should be replaced soon.</param>
    public bool TryEnter(ReadOnlySpan<byte> id, long bytes, long now, TimeSpan grace, [NotNullWhen(true)] out T? key, out bool isDue)
    {
        lock (_gate)
        {
            // The operation starts under the lock. Otherwise an eviction could erase the key between the look-up and the use.
            if (_entries.GetAlternateLookup<ReadOnlySpan<byte>>().TryGetValue(id, out var node) && node.Value is var entry
                && now - entry.Key.Since < (_options.MaxAge + grace).Ticks && !HasReached(entry, 1) && entry.Key.Key.TryEnter())
            {
                if (_byUse.First != node)
                {
                    _byUse.Remove(node);
                    _byUse.AddFirst(node);
                }

                // Counted under the lock that checked the limits, so two threads never both take the last permitted use.
                entry.Messages++;
                entry.Bytes += bytes;
                key = entry.Key;

                // From here a use replaces the key in the background, so that a busy ring does not wait at the end of its lifetime.
                isDue = now - key.Since >= _options.MaxAge.Ticks * RenewalShare || HasReached(entry, RenewalShare);
                return true;
            }
        }

        // An expired key stays: an outage may permit it until OutageGrace ends (EvictExpired).
        (key, isDue) = (null, false);
        return false;
    }

    /// <summary>The cached keys.</summary>
    public IReadOnlyList<T> Keys
    {
        get
        {
            lock (_gate)
            {
                // A copy: the caller reads it without the lock, while keys are added and evicted.
                return [.. _byUse.Select(static entry => entry.Key)];
            }
        }
    }

    /// <summary>Whether there is a key that has not expired.</summary>
    public bool Has(ReadOnlySpan<byte> id, long now)
    {
        lock (_gate)
        {
            // Without the grace: a key that only an outage permits must not keep a flight from starting.
            return _entries.GetAlternateLookup<ReadOnlySpan<byte>>().TryGetValue(id, out var node)
                && now - node.Value.Key.Since < _options.MaxAge.Ticks && !HasReached(node.Value, 1);
        }
    }

    /// <summary>Counts a cache hit or a miss for the metrics.</summary>
    public void Asked(bool hasIt) => _meter.Asked(hasIt);

    /// <summary>Counts bytes that were not known when the key was used.</summary>
    public void Count(ReadOnlySpan<byte> id, long bytes)
    {
        lock (_gate)
        {
            // If the key was evicted since, its count no longer matters.
            if (_entries.GetAlternateLookup<ReadOnlySpan<byte>>().TryGetValue(id, out var node))
            {
                node.Value.Bytes += bytes;
            }
        }
    }

    /// <summary>Adds a key, in place of an older one with the same id. A disposed cache erases it at once.</summary>
    /// <param name="id">The id of the entry; kept.</param>
    /// <param name="key">The key. Takes ownership.</param>
    /// <param name="messages">How many messages it has served already.</param>
    /// <param name="bytes">How many plaintext bytes it has served already.</param>
    public void Add(byte[] id, T key, long messages, long bytes)
    {
        lock (_gate)
        {
            // A flight can end after the ring was disposed. Its key must not outlive the ring.
            if (_disposed)
            {
                key.Dispose();
                return;
            }

            if (_entries.TryGetValue(id, out var old))
            {
                // A renewal replaces a key in use. The old key is erased when the operations that have entered it end.
                var isOld = key.Since - old.Value.Key.Since >= _options.MaxAge.Ticks;
                Evict(old, HasReached(old.Value, 1) ? EvictionCause.Limit : isOld ? EvictionCause.Age : EvictionCause.Renewed);
            }

            _entries.Add(id, _byUse.AddFirst(new Entry(id, key) { Messages = messages, Bytes = bytes }));
            _meter.Added();

            // After the addition: the new key is first in the order, and MaxKeys is at least 1, so the new key is never evicted here.
            while (_entries.Count > _options.MaxKeys)
            {
                Evict(_byUse.Last!, EvictionCause.Room);
            }
        }
    }

    /// <summary>Removes keys and erases them.</summary>
    /// <param name="isOut">Selects the keys.</param>
    /// <param name="cause">An <see cref="EvictionCause"/>.</param>
    /// <returns>The number of keys.</returns>
    public int Remove(Func<T, bool> isOut, string cause)
    {
        lock (_gate)
        {
            var count = 0;
            for (var node = _byUse.First; node is not null;)
            {
                var next = node.Next;

                // Runs under the lock, so conditions only compare.
                if (isOut(node.Value.Key))
                {
                    Evict(node, cause);
                    count++;
                }

                node = next;
            }

            return count;
        }
    }

    /// <summary>Evicts the keys that have expired, even for an outage.</summary>
    public void EvictExpired(long now)
    {
        lock (_gate)
        {
            for (var node = _byUse.First; node is not null;)
            {
                // Read before the eviction, which unlinks the node.
                var next = node.Next;
                var isOld = now - node.Value.Key.Since >= (_options.MaxAge + _options.OutageGrace).Ticks;
                if (isOld || HasReached(node.Value, 1))
                {
                    Evict(node, isOld ? EvictionCause.Age : EvictionCause.Limit);
                }

                node = next;
            }
        }
    }

    /// <summary>The first key that meets a condition; null if none does.</summary>
    public T? Find(Func<T, bool> condition)
    {
        lock (_gate)
        {
            // The caller gets no operation on the key: it may read the origin, but the bytes may be erased at any time.
            foreach (var entry in _byUse)
            {
                if (condition(entry.Key))
                {
                    return entry.Key;
                }
            }

            return null;
        }
    }

    public void Dispose()
    {
        lock (_gate)
        {
            // Under the same lock as the removal, so no key is added after it.
            _disposed = true;
            Remove(static _ => true, EvictionCause.Disposed);
        }
    }

    private bool HasReached(Entry entry, double share) =>
        entry.Messages >= _options.MaxMessages * share || entry.Bytes >= _options.MaxBytes * share;

    private void Evict(LinkedListNode<Entry> node, string cause)
    {
        // Disposal erases the bytes when no operation is under way, so a call that has just found the key can finish.
        _byUse.Remove(node);
        _entries.Remove(node.Value.Id);
        node.Value.Key.Dispose();
        _meter.Evicted(cause);
    }

    private sealed class Entry(byte[] id, T key)
    {
        public byte[] Id => id;

        public T Key => key;

        public long Messages { get; set; }

        public long Bytes { get; set; }
    }
}
