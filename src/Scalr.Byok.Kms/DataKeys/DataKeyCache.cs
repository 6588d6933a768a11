using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using Scalr.Byok.Kms.Diagnostics;
using Scalr.Byok.Kms.Resilience;

namespace Scalr.Byok.Kms.DataKeys;

/// <summary>Plaintext data keys by what asks for them, each for a bounded time and number of messages; the least recently used gives way.</summary>
/// <remarks>
/// Concurrent misses share one call. Each caller can cancel its own wait. An evicted key is erased at once. A key requested before its revocation is discarded on arrival.
/// </remarks>
internal sealed class DataKeyCache : IDisposable
{
    private readonly ByokDataKeyCacheOptions _options;
    private readonly bool _renewsAhead;
    private readonly CacheTerms _terms;
    private readonly Lock _gate = new();
    private readonly LinkedList<CacheEntry> _byUse = new();
    private readonly Dictionary<byte[], LinkedListNode<CacheEntry>> _entries = new(BytesComparer.Instance);
    private readonly CancellationTokenSource _disposed = new();
    private readonly Dictionary<KmsKeyArn, int> _revoked = [];
    private int _revocations;

    /// <param name="options">The limits.</param>
    /// <param name="renewsAhead">Whether a key is replaced in the background before its time is over.</param>
    /// <param name="time">The clock.</param>
    public DataKeyCache(ByokDataKeyCacheOptions options, bool renewsAhead, TimeProvider time)
    {
        _options = options;
        _renewsAhead = renewsAhead;
        _terms = new CacheTerms(options, time, renewsAhead ? CacheMeter.Encryption : CacheMeter.Decryption); // what is decrypted comes when it comes
    }

    /// <summary>A key that is there and may be used.</summary>
    /// <param name="id">What asks for it.</param>
    /// <param name="bytes">How many plaintext bytes it is for; counted.</param>
    /// <param name="key">The key.</param>
    /// <param name="isDue">Whether it should be replaced in the background: call <see cref="Renew"/>.</param>
    public bool TryGet(ReadOnlySpan<byte> id, long bytes, [NotNullWhen(true)] out CachedKey? key, out bool isDue)
    {
        (key, isDue) = (null, false);
        lock (_gate)
        {
            if (_entries.GetAlternateLookup<ReadOnlySpan<byte>>().TryGetValue(id, out var node) && node.Value is var entry && entry.Serves(_options.MaxAge))
            {
                _byUse.Remove(node);
                _byUse.AddFirst(node);
                entry.Count(bytes);
                key = entry.Key!;
                isDue = _renewsAhead && entry.IsDue;
            }
        }

        _terms.Meter.Asked(key is not null);
        return key is not null;
    }

    /// <summary>A new key for what asks for it, from the one call that is under way.</summary>
    /// <param name="id">What asks for it.</param>
    /// <param name="bytes">How many plaintext bytes it is for; counted.</param>
    /// <param name="make">Makes the key; owned by the cache from then on.</param>
    /// <param name="cancellationToken">Ends the wait, not the call.</param>
    /// <exception cref="ByokException">It could not be made, and there is none that may stand in during an outage.</exception>
    public async Task<CachedKey> GetAsync(ReadOnlyMemory<byte> id, long bytes, Func<CancellationToken, Task<CachedKey>> make, CancellationToken cancellationToken)
    {
        var (entry, making) = Begin(id.Span, make, isRenewal: false);
        try
        {
            var key = await making.WaitAsync(cancellationToken).ConfigureAwait(false);
            lock (_gate)
            {
                entry.Count(bytes);
            }

            return key;
        }
        catch (ByokServiceException e) when (e.IsTransient)
        {
            lock (_gate)
            {
                if (entry.Serves(_options.MaxAge + _options.OutageGrace))
                {
                    entry.Count(bytes);
                    return entry.Key!;
                }
            }

            throw;
        }
    }

    /// <summary>Begins to make the next key in the background, unless that is under way.</summary>
    public void Renew(ReadOnlySpan<byte> id, Func<CancellationToken, Task<CachedKey>> make) => Begin(id, make, isRenewal: true);

    /// <summary>Counts bytes that were not known when the key was asked for.</summary>
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

    /// <summary>Erases every key that this customer's key wraps, at once, and those that are being made.</summary>
    /// <returns>How many there were.</returns>
    public int Revoke(KmsKeyArn owner)
    {
        lock (_gate)
        {
            _revoked[owner] = ++_revocations;
            return Remove(entry => entry.Key?.Origin.IsOf(owner) == true, EvictionCause.Revoked);
        }
    }

    /// <summary>Erases what has had its time.</summary>
    /// <returns>Where the keys that are left come from, one for each owner.</returns>
    public IReadOnlyList<KeyOrigin> Sweep()
    {
        lock (_gate)
        {
            Remove(entry => entry.Key is not null && !entry.Serves(_options.MaxAge + _options.OutageGrace));
            return [.. _byUse.Select(entry => entry.Key?.Origin).OfType<KeyOrigin>().DistinctBy(origin => origin.Owner)];
        }
    }

    public void Dispose()
    {
        _disposed.Cancel();
        lock (_gate)
        {
            Remove(static _ => true, EvictionCause.Disposed);
        }
    }

    private (CacheEntry Entry, Task<CachedKey> Making) Begin(ReadOnlySpan<byte> id, Func<CancellationToken, Task<CachedKey>> make, bool isRenewal)
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_disposed.IsCancellationRequested, typeof(IByokKeyRing));
            if (!_entries.GetAlternateLookup<ReadOnlySpan<byte>>().TryGetValue(id, out var node))
            {
                node = _byUse.AddFirst(new CacheEntry(id.ToArray(), _terms));
                _entries.Add(node.Value.Id, node);
            }

            var entry = node.Value;
            if (entry.Making is null && !isRenewal && entry.Serves(_options.MaxAge))
            {
                return (entry, Task.FromResult(entry.Key!)); // made since the caller looked
            }

            if (entry.Making is null)
            {
                var caller = Activities.Caller;
                entry.Making = SharedWork.Start(() => MakeAsync(entry, make, caller));
            }

            return (entry, entry.Making);
        }
    }

    private async Task<CachedKey> MakeAsync(CacheEntry entry, Func<CancellationToken, Task<CachedKey>> make, ActivityContext caller)
    {
        using var activity = Activities.StartShared(Activities.FetchDataKey, caller);
        try
        {
            while (true)
            {
                var revocations = Volatile.Read(ref _revocations);
                var made = await make(_disposed.Token).ConfigureAwait(false);
                lock (_gate)
                {
                    if (!_revoked.Any(one => one.Value > revocations && made.Origin.IsOf(one.Key)) && !_disposed.IsCancellationRequested)
                    {
                        entry.Take(made);
                        MakeRoom(entry);
                        return made;
                    }
                }

                made.Key.Dispose();
                ObjectDisposedException.ThrowIf(_disposed.IsCancellationRequested, typeof(IByokKeyRing));
            }
        }
        catch (Exception e)
        {
            activity.Fail(e);
            lock (_gate)
            {
                entry.Making = null;
                entry.Fail();
                if (entry.Key is null && _entries.Remove(entry.Id, out var node))
                {
                    _byUse.Remove(node);
                }
            }

            ObjectDisposedException.ThrowIf(e is OperationCanceledException && _disposed.IsCancellationRequested, typeof(IByokKeyRing));
            throw;
        }
    }

    /// <summary>Evicts the least recently used keys beyond the limit, but not the one that was added. Keys that are being made do not count.</summary>
    private void MakeRoom(CacheEntry added)
    {
        var count = _byUse.Count(entry => entry.Key is not null);
        for (var node = _byUse.Last; count > _options.MaxKeys && node is not null;)
        {
            var previous = node.Previous;
            if (node.Value is { Key: not null, Making: null } && node.Value != added)
            {
                Drop(node, EvictionCause.Room);
                count--;
            }

            node = previous;
        }
    }

    private int Remove(Func<CacheEntry, bool> isOut, string? cause = null)
    {
        var count = 0;
        for (var node = _byUse.First; node is not null;)
        {
            var next = node.Next;
            if (isOut(node.Value))
            {
                Drop(node, cause ?? node.Value.Spent);
                count++;
            }

            node = next;
        }

        return count;
    }

    private void Drop(LinkedListNode<CacheEntry> node, string cause)
    {
        node.Value.Erase(cause);
        if (node.Value.Making is null)
        {
            _byUse.Remove(node);
            _entries.Remove(node.Value.Id);
        }
    }
}
