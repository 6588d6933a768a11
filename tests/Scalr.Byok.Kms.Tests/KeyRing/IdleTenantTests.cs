using Scalr.Byok.Kms.Tests.World;

namespace Scalr.Byok.Kms.Tests.KeyRing;

/// <summary>A ring that no one uses goes, with its data keys, and comes back when it is needed.</summary>
[CancelAfter(120_000)]
internal sealed class IdleTenantTests
{
    private static readonly TimeSpan Idle = TimeSpan.FromMinutes(30);
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);
    private static readonly byte[] Plaintext = "for acme"u8.ToArray();

    private ByokWorld _world = null!;
    private TenantHost _host = null!;

    [SetUp]
    public async Task StartAsync()
    {
        _world = await ByokWorld.StartAsync();
        _host = new TenantHost(_world, o =>
        {
            o.KeyRingIdleTimeout = Idle;
            o.DataKeyCache.MaxAge = TimeSpan.FromHours(1);
            o.ConfirmationInterval = TimeSpan.FromHours(1);
        });
        _host.Store["acme"] = _host.Store["other"] = _world.Settings("AccessKeys");
    }

    [TearDown]
    public async Task StopAsync() => await _world.DisposeAsync();

    [Test]
    public async Task An_idle_ring_is_disposed_and_made_again_by_the_next_call()
    {
        var ring = await _host.GetAsync("acme");
        var message = await ring.EncryptAsync(Plaintext);
        var inner = TenantHost.Inner(ring);
        var keys = TenantHost.CachedKeys(inner);
        _world.Time.Advance(Idle - Second);
        Assert.That((TenantHost.IsDisposed(inner), keys.Single().IsErased), Is.EqualTo((false, false)));

        _world.Time.Advance(TimeSpan.FromMinutes(1)); // looked after once a minute

        Assert.That((TenantHost.IsDisposed(inner), keys.Single().IsErased), Is.EqualTo((true, true)));
        Assert.That(_host.InUse, Is.Empty);
        Assert.That(ring.KeyArn.ToString(), Is.EqualTo(_world.Key.Arn));
        Assert.That(await ring.DecryptAsync(message), Is.EqualTo(Plaintext));
        Assert.That(_host.Store.Count("acme"), Is.EqualTo(2));
    }

    [Test]
    public async Task A_ring_that_is_used_stays_and_another_goes()
    {
        var (ring, other) = (await _host.GetAsync("acme"), await _host.GetAsync("other"));
        var inner = TenantHost.Inner(other);
        for (var i = 0; i < 5; i++)
        {
            _world.Time.Advance(Idle / 2);
            await ring.EncryptAsync(Plaintext);
        }

        Assert.That(_host.InUse, Is.EquivalentTo(["acme"]));
        Assert.That(TenantHost.IsDisposed(inner), Is.True);
        Assert.That(_host.Store.Count("acme"), Is.EqualTo(1));
    }

    [Test]
    public async Task A_ring_whose_call_takes_longer_than_that_is_in_use_until_it_ends()
    {
        var ring = await _host.GetAsync("acme");
        var inner = TenantHost.Inner(ring);
        using var source = new SourceStream(new byte[3_000_000]);
        var hold = new Hold();
        source.At(1_000_000, hold.ObeyAsync);
        using var message = new MemoryStream();
        var call = ring.EncryptAsync(source, message);
        await hold.Reached;

        _world.Time.Advance(Idle * 3);

        Assert.That(TenantHost.IsDisposed(inner), Is.False);
        hold.Release();
        await call;
        _world.Time.Advance(Idle - Second);
        Assert.That(TenantHost.IsDisposed(inner), Is.False, "idle since the call ended");
        _world.Time.Advance(TimeSpan.FromMinutes(1));
        Assert.That(TenantHost.IsDisposed(inner), Is.True);
    }

    [Test]
    public async Task Time_that_comes_in_many_steps_is_no_different()
    {
        var ring = await _host.GetAsync("acme");
        var inner = TenantHost.Inner(ring);
        for (var i = 0; i < Idle.TotalSeconds; i += 10)
        {
            Assert.That(TenantHost.IsDisposed(inner), Is.False);
            _world.Time.Advance(10 * Second);
        }

        _world.Time.Advance(TimeSpan.FromMinutes(1));
        Assert.That(TenantHost.IsDisposed(inner), Is.True);

        await ring.EncryptAsync(Plaintext);
        inner = TenantHost.Inner(ring);
        for (var i = 0; i < 31; i++)
        {
            _world.Time.Advance(TimeSpan.FromMinutes(1));
        }

        Assert.That(TenantHost.IsDisposed(inner), Is.True, "the timer runs again after all rings were gone");
    }
}
