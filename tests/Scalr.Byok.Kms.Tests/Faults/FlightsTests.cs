using LocalAws;
using Microsoft.Extensions.DependencyInjection;
using Scalr.Byok.Kms.Tests.World;

namespace Scalr.Byok.Kms.Tests.Faults;

/// <summary>Fault 13: with more fetches in flight than MaxKeys, the cache evicted the entry that it was adding.</summary>
[NonParallelizable]
[CancelAfter(120_000)]
[Category("Slow")]
internal sealed class FlightsTests
{
    private const string Keys = "scalr.byok.cache.keys";

    private ByokWorld _world = null!;
    private TelemetryRecord _record = null!;

    [SetUp]
    public async Task StartAsync()
    {
        _world = await ByokWorld.StartAsync();
        _record = new TelemetryRecord(traces: false);
    }

    [TearDown]
    public async Task StopAsync()
    {
        _record.Dispose();
        await _world.DisposeAsync();
    }

    // Fault 13: the cache keeps at most MaxKeys, and disposal erases every key.
    [TestCase(3, 5)]
    [TestCase(1000, 1100)]
    public async Task Disposal_leaves_no_key_after_more_flights_than_the_cache_has_entries(int maxKeys, int flights)
    {
        var messages = await Task.WhenAll(
            Enumerable.Range(0, flights).Select(async i => await _world.Ring("AccessKeys").EncryptAsync(new byte[1], Context(i))).Take(5));
        var (encryption, decryption) = Observe();
        var ring = Ring(maxKeys);
        await TogetherAsync(
            [
                .. Enumerable.Range(0, flights).Select(i => (Func<Task>)(async () => await ring.EncryptAsync(new byte[1], Context(i)))),
                .. messages.Select(message => (Func<Task>)(async () => await ring.DecryptAsync(message))),
            ]);

        var (encryptionNow, decryptionNow) = Observe();
        Assert.That(encryptionNow - encryption, Is.InRange(1, maxKeys));
        Assert.That(decryptionNow - decryption, Is.InRange(1, maxKeys));
        ((IDisposable)ring).Dispose();
        Assert.That(Observe(), Is.EqualTo((encryption, decryption)));
    }

    // Fault 13: concurrent misses of one context share one call, also of the contexts beyond MaxKeys.
    [Test]
    public async Task Concurrent_misses_share_one_call()
    {
        var ring = Ring(maxKeys: 3);

        await TogetherAsync(
            [.. Enumerable.Range(0, 50).Select(i => (Func<Task>)(async () => await ring.EncryptAsync(new byte[1], Context(i % 5))))]);

        Assert.That(_world.Aws.Log.Count("Encrypt"), Is.EqualTo(5));
    }

    // Fault 13 and "Must show": keys, timers, sockets and failed tasks after disposal with flights under way.
    [Test]
    public async Task Disposal_with_more_flights_under_way_than_MaxKeys_leaves_nothing([Values] bool answers)
    {
        using var unobserved = new Unobserved();
        var before = Observe();
        var services = _world.Services(o => (o.DataKeyCache.MaxAge, o.DataKeyCache.MaxKeys) = (TimeSpan.FromMinutes(5), 3));
        services.AddScalrByok()
            .AddKeyRing(ring => (ring.KeyArn, ring.Credentials) = (_world.Key.Arn, _world.Settings("AccessKeys").Credentials));
        var provider = _world.Build(services);
        var ring = provider.GetRequiredService<IByokKeyRing>();
        _world.Aws.Faults.Add((answers ? Fault.Latency(TimeSpan.FromMilliseconds(200)) : Fault.BlackHole()) with { Operation = "Encrypt" });
        var calls = Enumerable.Range(0, 20).Select(i => ring.EncryptAsync(new byte[1], Context(i)).AsTask()).ToList();
        await _world.ReceivedAsync("Encrypt", 20);

        await provider.DisposeAsync();

        foreach (var call in calls)
        {
            await Task.WhenAny(call);
            _ = call.Exception;
        }

        calls.Clear();
        await ByokWorld.UntilAsync(() => _world.Clock.Alive == 0, "timers are left");
        await ByokWorld.UntilAsync(() => _world.Aws.Connections.Open == 0, "sockets are left");
        await ByokWorld.UntilAsync(() => Observe() == before, "keys are left");
        unobserved.DemandNone();
    }

    private static Dictionary<string, string> Context(int number) => new() { ["number"] = $"{number}" };

    private (double Encryption, double Decryption) Observe() => (_record.Observe(Keys, "encryption"), _record.Observe(Keys, "decryption"));

    private IByokKeyRing Ring(int maxKeys) =>
        _world.Ring("AssumeRole", options: o => (o.DataKeyCache.MaxAge, o.DataKeyCache.MaxKeys) = (TimeSpan.FromMinutes(5), maxKeys));

    /// <summary>Begins all calls before AWS answers any.</summary>
    private async Task TogetherAsync(IReadOnlyList<Func<Task>> calls)
    {
        _world.HostCredentials.Close();
        var running = calls.Select(call => call()).ToList();
        _world.HostCredentials.Open();
        await Task.WhenAll(running);
    }
}
