using LocalAws;
using Scalr.Byok.Kms.Tests.World;

namespace Scalr.Byok.Kms.Tests.Diagnostics;

/// <summary>What is measured of rings: messages, cached data keys, revocations and probes.</summary>
[NonParallelizable]
internal sealed class RingMetricsTests
{
    private const string Hits = "scalr.byok.cache.hits";
    private const string Misses = "scalr.byok.cache.misses";
    private const string Evictions = "scalr.byok.cache.evictions";
    private const string Keys = "scalr.byok.cache.keys";
    private const string Revocations = "scalr.byok.revocations";
    private const string Probes = "scalr.byok.probes";

    private static readonly TimeSpan MaxAge = TimeSpan.FromMinutes(5);

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

    [TestCase(0)]
    [TestCase(1000)]
    [TestCase(65_536)]
    [TestCase(1_000_000)]
    public async Task Messages_and_plaintext_are_counted_whichever_way_they_go(int length)
    {
        var ring = _world.Ring("AccessKeys");
        var plaintext = new byte[length];
        var message = await ring.EncryptAsync(plaintext);
        await ring.DecryptAsync(message);
        await ring.EncryptAsync(plaintext, new System.Buffers.ArrayBufferWriter<byte>());
        await ring.DecryptAsync(message, new System.Buffers.ArrayBufferWriter<byte>());
        await ring.EncryptAsync(new MemoryStream(plaintext), new MemoryStream());
        await ring.DecryptAsync(new MemoryStream(message), new MemoryStream());

        message[^1] ^= 1;
        await Assert.ThrowsAsync<ByokDecryptionException>(async () => await ring.DecryptAsync(message));
        await Assert.ThrowsAsync<ByokDecryptionException>(() => ring.DecryptAsync(new MemoryStream(message), new MemoryStream()));

        Assert.That(
            (_record.Sum("scalr.byok.messages.encrypted"), _record.Sum("scalr.byok.plaintext.encrypted")), Is.EqualTo((3, 3.0 * length)));
        Assert.That(
            (_record.Sum("scalr.byok.messages.decrypted"), _record.Sum("scalr.byok.plaintext.decrypted")), Is.EqualTo((3, 3.0 * length)));
    }

    [Test]
    public async Task Cache_tells_hits_misses_and_keys()
    {
        var (encryption, decryption) = (_record.Observe(Keys, "encryption"), _record.Observe(Keys, "decryption"));
        var ring = Ring();
        var message = await ring.EncryptAsync(new byte[1]);
        await ring.EncryptAsync(new byte[1]);
        await ring.EncryptAsync(new byte[1], new Dictionary<string, string> { ["a"] = "b" });
        await ring.DecryptAsync(message);
        await ring.DecryptAsync(message);

        Assert.That((_record.Sum(Misses, "encryption"), _record.Sum(Hits, "encryption")), Is.EqualTo((2, 1)));
        Assert.That((_record.Sum(Misses, "decryption"), _record.Sum(Hits, "decryption")), Is.EqualTo((1, 1)));
        Assert.That(
            (_record.Observe(Keys, "encryption") - encryption, _record.Observe(Keys, "decryption") - decryption), Is.EqualTo((2, 1)));
        Assert.That(
            _record.AttributeNames(Keys).Concat(_record.AttributeNames(Hits)).Concat(_record.AttributeNames(Misses)).Distinct(),
            Is.EqualTo(TelemetryRecord.Each("cache")));
    }

    [Test]
    public async Task Eviction_for_age()
    {
        var ring = Ring();
        await ring.EncryptAsync(new byte[1]);
        _world.Time.Advance(MaxAge);
        await ring.EncryptAsync(new byte[1]);

        Assert.That(_record.Of(Evictions), Is.EqualTo(new[] { ("encryption age", 1.0) }));
        Assert.That(_record.AttributeNames(Evictions), Is.EqualTo(TelemetryRecord.Each("cache", "cause")));
    }

    [Test]
    public async Task Eviction_for_renewal_ahead_of_time_and_for_the_limit([Values(2, 100)] int maxMessages)
    {
        var ring = Ring(o => o.DataKeyCache.MaxMessages = maxMessages);
        for (var i = 0; i < 2; i++)
        {
            await ring.EncryptAsync(new byte[1]); // the second is the last that the limit of 2 allows: renewal begins
        }

        _world.Time.Advance(maxMessages == 2 ? TimeSpan.Zero : MaxAge * 0.9);
        await ring.EncryptAsync(new byte[1]);
        await ByokWorld.UntilAsync(() => _record.Of(Evictions).Count > 0, "nothing was evicted");

        Assert.That(_record.Of(Evictions)[0].Attributes, Is.EqualTo(maxMessages == 2 ? "encryption limit" : "encryption renewed"));
    }

    [Test]
    public async Task Eviction_for_room()
    {
        var ring = Ring(o => o.DataKeyCache.MaxKeys = 1);
        await ring.EncryptAsync(new byte[1]);
        await ring.EncryptAsync(new byte[1], new Dictionary<string, string> { ["a"] = "b" });

        Assert.That(_record.Of(Evictions), Is.EqualTo(new[] { ("encryption room", 1.0) }));
    }

    [Test]
    public async Task Eviction_at_the_rings_end()
    {
        var keys = _record.Observe(Keys, "decryption");
        var ring = Ring();
        await ring.DecryptAsync(await ring.EncryptAsync(new byte[1]));
        ((IDisposable)ring).Dispose();

        Assert.That(_record.Of(Evictions), Is.EqualTo(new[] { ("encryption disposed", 1.0), ("decryption disposed", 1.0) }));
        Assert.That(_record.Observe(Keys, "decryption"), Is.EqualTo(keys));
    }

    [Test]
    public async Task Revocation_is_seen_once_until_the_key_works_again([Values] bool cached)
    {
        var ring = cached ? Ring() : _world.Ring("AccessKeys");
        var message = await ring.EncryptAsync(new byte[1]);
        _world.Key.Disable();
        for (var i = 0; i < 3; i++)
        {
            await Assert.ThrowsAsync<ByokKeyUnavailableException>(async () => await ring.DecryptAsync(message));
        }

        Assert.That(_record.Of(Revocations), Is.EqualTo(new[] { ("KeyDisabled", 1.0) }));
        Assert.That(_record.AttributeNames(Revocations), Is.EqualTo(TelemetryRecord.Each("reason")));
        Assert.That(_record.Of(Evictions), Is.EqualTo(cached ? [("encryption revoked", 1.0)] : Array.Empty<(string, double)>()));
        _world.Key.Enable();
        _world.Time.Advance(TimeSpan.FromSeconds(1)); // the pause after a denial
        await ring.DecryptAsync(message);
        _world.Key.Disable();
        Assert.That((await ring.ProbeAsync()).Reason, Is.EqualTo(ByokKeyUnavailableReason.KeyDisabled));

        Assert.That(_record.Of(Revocations), Has.Count.EqualTo(2));
    }

    [Test]
    public async Task Revocation_that_a_confirmation_finds_is_counted()
    {
        var ring = Ring();
        await ring.EncryptAsync(new byte[1]);
        _world.Key.Disable();
        _world.Time.Advance(TimeSpan.FromSeconds(61));
        await Assert.ThrowsAsync<ByokKeyUnavailableException>(async () => await ring.EncryptAsync(new byte[1]));

        Assert.That(_record.Of(Revocations), Is.EqualTo(new[] { ("KeyDisabled", 1.0) }));
    }

    [Test]
    public async Task Probe_tells_the_status()
    {
        var ring = _world.Ring("AccessKeys");
        await ring.ProbeAsync();
        _world.User.Policy = Policies.Permissions(_world.Key.Arn, "kms:Encrypt", "kms:Decrypt");
        await ring.ProbeAsync();
        _world.Aws.Faults.Add(Fault.Error("InternalFailure", 500));
        await ring.ProbeAsync();

        Assert.That(_record.Of(Probes).Select(one => one.Attributes), Is.EqualTo(TelemetryRecord.Each("healthy", "degraded", "unhealthy")));
        Assert.That(_record.AttributeNames(Probes), Is.EqualTo(TelemetryRecord.Each("status")));
        Assert.That(_record.Of(Revocations), Is.Empty);
    }

    private IByokKeyRing Ring(Action<ByokOptions>? options = null) => _world.Ring("AccessKeys", options: o =>
    {
        (o.DataKeyCache.MaxAge, o.ConfirmationInterval) = (MaxAge, TimeSpan.FromSeconds(60));
        options?.Invoke(o);
    });
}
