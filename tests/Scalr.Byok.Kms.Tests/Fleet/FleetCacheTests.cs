using Microsoft.Extensions.Caching.Distributed;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Scalr.Byok.Kms.Fleet;
using Scalr.Byok.Kms.Resilience;
using Scalr.Byok.Kms.Tests.World;

namespace Scalr.Byok.Kms.Tests.Fleet;

/// <summary>A cache of the host that behaves worse than one that fails.</summary>
[CancelAfter(60_000)]
internal sealed class FleetCacheTests
{
    private FakeTimeProvider _time = null!;

    [SetUp]
    public void Start() => _time = new FakeTimeProvider();

    [Test]
    public async Task A_cache_that_blocks_its_callers_holds_few_threads()
    {
        using var released = new ManualResetEventSlim();
        var cache = new HostCache(_ =>
        {
            released.Wait(TimeSpan.FromSeconds(30));
            return Task.FromResult<byte[]?>(null);
        });
        using var ours = Create(cache);

        var reads = Enumerable.Range(0, 100).Select(i => ours.GetAsync([$"{i}"])).ToList();
        await ByokWorld.UntilAsync(() => cache.Calls > 0, "the cache was not called");
        _time.Advance(FleetCache.Limit);
        await Task.WhenAll(reads);
        released.Set();
        await ByokWorld.UntilAsync(() => ours.Running == 0, "calls are left");

        Assert.That(await Task.WhenAll(reads), Is.All.Null);
        Assert.That(cache.Calls, Is.InRange(1, 4), "a call whose time is over does not begin");
    }

    [Test]
    public async Task A_cache_without_a_task_counts_as_one_that_fails()
    {
        using var ours = Create(new HostCache(_ => null!));

        Assert.That(await ours.GetAsync(["a", "b"]), Is.Null);
        Assert.That(await ours.SetAsync("a", [1], TimeSpan.FromMinutes(1), isUrgent: true), Is.False);
    }

    [Test]
    public async Task A_read_that_fails_beside_one_that_throws_at_once_is_observed()
    {
        const string Mark = "a cache of FleetCacheTests";
        using var unobserved = new Unobserved(Mark);

        await ReadAsync();

        unobserved.DemandNone();

        // In a method of its own, so that its tasks are garbage afterwards.
        async Task ReadAsync()
        {
            var late = new TaskCompletionSource<byte[]?>();
            using var ours = Create(new HostCache(key => key == "a" ? late.Task : throw new IOException(Mark)));
            var read = ours.GetAsync(["a", "b"]);
            late.SetException(new IOException(Mark));
            Assert.That(await read, Is.Null);
        }
    }

    private FleetCache Create(IDistributedCache cache) =>
        new(cache, new AgeClock(_time), TimeSpan.FromMinutes(1), NullLogger.Instance, CancellationToken.None);

    private sealed class HostCache(Func<string, Task<byte[]?>> read) : IDistributedCache
    {
        private int _calls;

        public int Calls => Volatile.Read(ref _calls);

        public Task<byte[]?> GetAsync(string key, CancellationToken token = default)
        {
            Interlocked.Increment(ref _calls);
            return read(key);
        }

        public Task SetAsync(string key, byte[] value, DistributedCacheEntryOptions options, CancellationToken token = default) =>
            read(key);

        public byte[]? Get(string key) => throw new NotSupportedException();

        public void Set(string key, byte[] value, DistributedCacheEntryOptions options) => throw new NotSupportedException();

        public void Refresh(string key) => throw new NotSupportedException();

        public Task RefreshAsync(string key, CancellationToken token = default) => throw new NotSupportedException();

        public void Remove(string key) => throw new NotSupportedException();

        public Task RemoveAsync(string key, CancellationToken token = default) => throw new NotSupportedException();
    }
}
