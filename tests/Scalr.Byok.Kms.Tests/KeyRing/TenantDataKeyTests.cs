using System.Runtime.CompilerServices;
using Scalr.Byok.Kms.Tests.World;

namespace Scalr.Byok.Kms.Tests.KeyRing;

/// <summary>Data keys of tenants' rings: one tenant's open nowhere else, and an open one keeps its ring.</summary>
[CancelAfter(120_000)]
[Category("Slow")]
internal sealed class TenantDataKeyTests
{
    private static readonly TimeSpan Idle = TimeSpan.FromMinutes(30);

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
        });
        _host.Store["acme"] = _host.Store["globex"] = _world.Settings("AccessKeys");
    }

    [TearDown]
    public async Task StopAsync() => await _world.DisposeAsync();

    [Test]
    public async Task A_tenants_data_key_and_values_open_in_no_other_tenants_ring()
    {
        var (acme, globex, shared) = (await _host.GetAsync("acme"), await _host.GetAsync("globex"), _world.Ring("AccessKeys"));
        using ByokDataKey key =
            await acme.CreateDataKeyAsync(), other = await globex.CreateDataKeyAsync(), nobodys = await shared.CreateDataKeyAsync();
        var encrypted = key.EncryptText("abc");

        Assert.That(ByokMessage.Read(key.EncryptedKey).EncryptionContext, Does.ContainKey("scalr:tenant").WithValue("acme"));
        await Assert.ThrowsAsync<ByokDecryptionException>(async () => await globex.OpenDataKeyAsync(key.EncryptedKey));
        await Assert.ThrowsAsync<ByokDecryptionException>(async () => await globex.OpenDataKeyAsync(nobodys.EncryptedKey));
        Assert.Throws<ByokDecryptionException>(() => other.Decrypt(encrypted));
        Assert.Throws<ByokDecryptionException>(() => nobodys.Decrypt(encrypted));
        using var opened = await acme.OpenDataKeyAsync(key.EncryptedKey);
        Assert.That(opened.DecryptText(encrypted), Is.EqualTo("abc"));
    }

    [Test]
    public async Task An_open_key_keeps_the_ring_of_changed_settings_until_it_is_disposed()
    {
        var ring = await _host.GetAsync("acme");
        var inner = TenantHost.Inner(ring);
        var key = await ring.CreateDataKeyAsync();

        _host.Rings.Invalidate("acme");
        await ring.EncryptAsync(new byte[1]);

        Assert.That(TenantHost.Inner(ring), Is.Not.SameAs(inner));
        Assert.That(key.DecryptText(key.EncryptText("abc")), Is.EqualTo("abc"));
        Assert.That(TenantHost.IsDisposed(inner), Is.False);
        key.Dispose();
        key.Dispose();
        Assert.That(TenantHost.IsDisposed(inner), Is.True);
        Assert.That(await ring.EncryptAsync(new byte[1]), Is.Not.Empty, "the new ring is as it was");
    }

    [Test]
    public async Task An_open_key_keeps_an_idle_ring()
    {
        var ring = await _host.GetAsync("acme");
        var inner = TenantHost.Inner(ring);
        var key = await ring.CreateDataKeyAsync();

        _world.Time.Advance(Idle * 1.5);
        await ByokWorld.UntilAsync(() => IsConfirmed(key), "the data key was not confirmed again");
        Assert.That(TenantHost.IsDisposed(inner), Is.False);
        key.Dispose();
        _world.Time.Advance(Idle * 1.5);

        Assert.That(TenantHost.IsDisposed(inner), Is.True);
    }

    [Test]
    public async Task A_revoked_key_lets_go_of_its_ring()
    {
        var ring = await _host.GetAsync("acme");
        var inner = TenantHost.Inner(ring);
        using var key = await ring.CreateDataKeyAsync();
        _host.Rings.Invalidate("acme");
        Assert.That(TenantHost.IsDisposed(inner), Is.False);

        _world.Key.Disable();
        key.EncryptText("abc");
        _world.Time.Advance(TimeSpan.FromSeconds(60));
        await ByokWorld.UntilAsync(() => TenantHost.IsDisposed(inner), "the ring was not disposed");

        Assert.That(
            Assert.Throws<ByokKeyUnavailableException>(() => key.EncryptText("abc"))!.Reason,
            Is.EqualTo(ByokKeyUnavailableReason.KeyDisabled));
    }

    [Test]
    public async Task A_forgotten_key_does_not_keep_its_ring_for_ever()
    {
        var ring = await _host.GetAsync("acme");
        var inner = TenantHost.Inner(ring);
        await ForgetAsync(ring);
        _host.Rings.Invalidate("acme");

        var polls = 0;
        await ByokWorld.UntilAsync(
            () =>
            {
                ByokWorld.CollectAtTimes(polls++);
                _world.Time.Advance(TimeSpan.FromSeconds(1)); // slowly, as a look goes over real sockets
                return TenantHost.IsDisposed(inner);
            },
            "the ring was not disposed");

        Assert.That(_world.Time.GetUtcNow(), Is.LessThan(_world.Time.Start + TimeSpan.FromHours(1)), "before the key's time was over");
    }

    [Test]
    public async Task A_failed_opening_keeps_nothing()
    {
        var ring = await _host.GetAsync("acme");
        var inner = TenantHost.Inner(ring);
        await Assert.ThrowsAsync<ByokDecryptionException>(async () => await ring.OpenDataKeyAsync(await ring.EncryptAsync(new byte[32])));

        _host.Rings.Invalidate("acme");

        Assert.That(TenantHost.IsDisposed(inner), Is.True);
    }

    [Test]
    public async Task Disposing_the_host_ends_open_keys()
    {
        var ring = await _host.GetAsync("acme");
        var key = await ring.CreateDataKeyAsync();

        await _host.Services.DisposeAsync();

        Assert.Throws<ObjectDisposedException>(() => key.EncryptText("abc"));
        Assert.That(OpenDataKeyTests.IsErased(key), Is.True);
        key.Dispose();
    }

    [Test]
    public async Task Values_are_written_and_read_while_the_settings_change_again_and_again()
    {
        var ring = await _host.GetAsync("acme");
        byte[] encryptedKey;
        using (var made = await ring.CreateDataKeyAsync())
        {
            encryptedKey = made.EncryptedKey.ToArray();
        }

        var done = false;
        var workers = Enumerable.Range(0, 4).Select(_ => Task.Run(async () =>
        {
            var count = 0;
            for (; !Volatile.Read(ref done); count++)
            {
                using var key = await ring.OpenDataKeyAsync(encryptedKey);
                Assert.That(key.DecryptText(key.EncryptText("abc")), Is.EqualTo("abc"));
            }

            return count;
        })).ToArray();
        for (var i = 0; i < 100; i++)
        {
            _host.Rings.Invalidate("acme");
            await ring.EncryptAsync(new byte[1]);
        }

        Volatile.Write(ref done, true);
        Assert.That((await Task.WhenAll(workers)).Sum(), Is.Positive);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static async Task ForgetAsync(IByokKeyRing ring) => (await ring.CreateDataKeyAsync()).EncryptText("abc");

    /// <summary>A use without a recent confirmation starts one, and leaves the data key open.</summary>
    private static bool IsConfirmed(ByokDataKey key)
    {
        try
        {
            return key.EncryptText("abc").Length > 0;
        }
        catch (ByokServiceException e) when (e.IsTransient)
        {
            return false;
        }
    }
}
