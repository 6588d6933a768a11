using System.Diagnostics.CodeAnalysis;
using Scalr.Byok.Kms.Diagnostics;

namespace Scalr.Byok.Kms.DataKeys;

/// <summary>Plaintext data keys, each for a limited time and amount of use. The least recently used one is evicted first. Safe for concurrent use.</summary>
/// <remarks>A key that leaves the cache is erased, as soon as no operation is under way with it. Whether a key may be used is not decided here but by <see cref="KeyAccess"/>.</remarks>
/// <typeparam name="T">A data key with what belongs to it.</typeparam>
internal sealed class DataKeyCache<T>
    where T : class, ICachedKey
{
    /// <summary>The part of its limits after which a key should be replaced in the background.</summary>
    private const double RenewalShare = 0.8;

    private readonly ByokDataKeyCacheOptions _options;
    private readonly CacheMeter _meter;
    private readonly Lock _gate = new();
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

    /// <summary>A key that has not expired, held for the caller, who ends its use by <see cref="DataKey.Exit"/>.</summary>
    /// <param name="id">What the key is cached under.</param>
    /// <param name="bytes">How many plaintext bytes it is for. They count towards its limit.</param>
    /// <param name="now">The time.</param>
    /// <param name="grace">How much older than its lifetime the key may be.</param>
    /// <param name="key">The key.</param>
    /// <param name="isDue">Whether it should be replaced soon.</param>
    public bool TryEnter(ReadOnlySpan<byte> id, long bytes, long now, TimeSpan grace, [NotNullWhen(true)] out T? key, out bool isDue)
    {
        lock (_gate)
        {
            if (_entries.GetAlternateLookup<ReadOnlySpan<byte>>().TryGetValue(id, out var node) && node.Value is var entry
                && now - entry.Key.Since < (_options.MaxAge + grace).Ticks && !HasReached(entry, 1) && entry.Key.Key.TryEnter())
            {
                if (_byUse.First != node)
                {
                    _byUse.Remove(node);
                    _byUse.AddFirst(node);
                }

                entry.Messages++;
                entry.Bytes += bytes;
                key = entry.Key;
                isDue = now - key.Since >= _options.MaxAge.Ticks * RenewalShare || HasReached(entry, RenewalShare);
                return true;
            }
        }

        (key, isDue) = (null, false);
        return false;
    }

    /// <summary>The keys that are cached.</summary>
    public IReadOnlyList<T> Keys
    {
        get
        {
            lock (_gate)
            {
                return [.. _byUse.Select(static entry => entry.Key)];
            }
        }
    }

    /// <summary>Whether there is a key that has not expired.</summary>
    public bool Has(ReadOnlySpan<byte> id, long now)
    {
        lock (_gate)
        {
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
            if (_entries.GetAlternateLookup<ReadOnlySpan<byte>>().TryGetValue(id, out var node))
            {
                node.Value.Bytes += bytes;
            }
        }
    }

    /// <summary>Takes over a key, in place of an older one with the same id. A cache that is disposed erases it at once.</summary>
    /// <param name="id">What to cache it under; kept.</param>
    /// <param name="key">The key; owned from now on.</param>
    /// <param name="messages">How many messages it has served already.</param>
    /// <param name="bytes">How many plaintext bytes it has served already.</param>
    public void Add(byte[] id, T key, long messages, long bytes)
    {
        lock (_gate)
        {
            if (_disposed)
            {
                key.Key.Dispose();
                return;
            }

            if (_entries.TryGetValue(id, out var old))
            {
                var isOld = key.Since - old.Value.Key.Since >= _options.MaxAge.Ticks;
                Evict(old, HasReached(old.Value, 1) ? EvictionCause.Limit : isOld ? EvictionCause.Age : EvictionCause.Renewed);
            }

            _entries.Add(id, _byUse.AddFirst(new Entry(id, key) { Messages = messages, Bytes = bytes }));
            _meter.Added();
            while (_entries.Count > _options.MaxKeys)
            {
                Evict(_byUse.Last!, EvictionCause.Room);
            }
        }
    }

    /// <summary>Removes keys and erases them.</summary>
    /// <param name="isOut">Which keys.</param>
    /// <param name="cause">An <see cref="EvictionCause"/>.</param>
    /// <returns>How many there were.</returns>
    public int Remove(Func<T, bool> isOut, string cause)
    {
        lock (_gate)
        {
            var count = 0;
            for (var node = _byUse.First; node is not null;)
            {
                var next = node.Next;
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

    /// <summary>Removes what has expired, in an outage too.</summary>
    public void Sweep(long now)
    {
        lock (_gate)
        {
            for (var node = _byUse.First; node is not null;)
            {
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
            _disposed = true;
            Remove(static _ => true, EvictionCause.Disposed);
        }
    }

    private bool HasReached(Entry entry, double share) => entry.Messages >= _options.MaxMessages * share || entry.Bytes >= _options.MaxBytes * share;

    private void Evict(LinkedListNode<Entry> node, string cause)
    {
        _byUse.Remove(node);
        _entries.Remove(node.Value.Id);
        node.Value.Key.Key.Dispose();
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
