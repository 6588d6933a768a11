using System.Collections.Concurrent;
using System.Security.Cryptography;
using Microsoft.Extensions.Caching.Distributed;

namespace Scalr.Byok.Kms.Tests.Fleet;

/// <summary>A cache of the host, in memory, that fails as a test says.</summary>
internal sealed class FleetTestCache(TimeProvider time) : IDistributedCache
{
    private readonly ConcurrentDictionary<string, (byte[] Value, DateTimeOffset Expires)> _entries = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, byte[]> _first = new(StringComparer.Ordinal);
    private int _calls;

    public FleetCacheMode Mode { get; set; }

    /// <summary>Whether writes of denials are confirmed and ignored.</summary>
    public bool LosesDenials { get; set; }

    public int Calls => Volatile.Read(ref _calls);

    /// <summary>All names and values.</summary>
    public IEnumerable<KeyValuePair<string, byte[]>> Entries =>
        _entries.Select(pair => KeyValuePair.Create(pair.Key, pair.Value.Value));

    public void Clear() => _entries.Clear();

    public async Task<byte[]?> GetAsync(string key, CancellationToken token = default)
    {
        await CallAsync(token);
        return Mode switch
        {
            FleetCacheMode.Garbage => RandomNumberGenerator.GetBytes(RandomNumberGenerator.GetInt32(200)),
            FleetCacheMode.Oldest => _first.GetValueOrDefault(key),
            FleetCacheMode.Swapped => Entries.Where(entry => entry.Key != key).Select(entry => entry.Value).FirstOrDefault(),
            _ => _entries.TryGetValue(key, out var entry) && time.GetUtcNow() < entry.Expires ? entry.Value : null,
        };
    }

    public async Task SetAsync(string key, byte[] value, DistributedCacheEntryOptions options, CancellationToken token = default)
    {
        await CallAsync(token);
        if (Mode != FleetCacheMode.Frozen && !(LosesDenials && key.StartsWith("byok:1:3:", StringComparison.Ordinal)))
        {
            _first.TryAdd(key, value);
            _entries[key] = (value, time.GetUtcNow() + options.AbsoluteExpirationRelativeToNow!.Value);
        }
    }

    public byte[]? Get(string key) => throw new NotSupportedException();

    public void Set(string key, byte[] value, DistributedCacheEntryOptions options) => throw new NotSupportedException();

    public void Refresh(string key) => throw new NotSupportedException();

    public Task RefreshAsync(string key, CancellationToken token = default) => throw new NotSupportedException();

    public void Remove(string key) => throw new NotSupportedException();

    public Task RemoveAsync(string key, CancellationToken token = default) => throw new NotSupportedException();

    private Task CallAsync(CancellationToken token)
    {
        Interlocked.Increment(ref _calls);
        return Mode switch
        {
            FleetCacheMode.ThrowsAtOnce => throw new InvalidOperationException("password=cache-password-71"),
            FleetCacheMode.Throws => Task.FromException(new InvalidOperationException("password=cache-password-71")),
            FleetCacheMode.Hangs => new TaskCompletionSource().Task, // ignores its token
            _ => Task.CompletedTask,
        };
    }
}
