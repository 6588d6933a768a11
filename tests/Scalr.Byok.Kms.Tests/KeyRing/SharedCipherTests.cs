using Microsoft.Extensions.DependencyInjection;
using Scalr.Byok.Kms.DataKeys;
using Scalr.Byok.Kms.KeyRing;
using Scalr.Byok.Kms.Resilience;
using Scalr.Byok.Kms.Tests.World;

namespace Scalr.Byok.Kms.Tests.KeyRing;

/// <summary>
/// Open data keys of one data key share their ciphers, and so their series: how long those live, and that nothing is used after it is
/// erased.
/// </summary>
[CancelAfter(120_000)]
internal sealed class SharedCipherTests
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(60);

    private static readonly Origin Origin = new(default, new Dictionary<string, string>(), default, Moment.Never);

    private ByokWorld _world = null!;
    private ServiceProvider _provider = null!;

    [SetUp]
    public async Task StartAsync() => _world = await ByokWorld.StartAsync();

    [TearDown]
    public async Task StopAsync() => await _world.DisposeAsync();

    [Test]
    public async Task Two_open_data_keys_write_one_series()
    {
        var (ring, stored) = await StoredAsync();
        using ByokDataKey one = await ring.OpenDataKeyAsync(stored), other = await ring.OpenDataKeyAsync(stored);

        // A series for each processor that this thread runs on.
        var (ofOne, ofOther) = (SeriesOf(one, 200), SeriesOf(other, 200));

        Assert.That(ofOne.Overlaps(ofOther));
    }

    [Test]
    public async Task Data_keys_that_are_opened_for_one_value_each_write_one_series()
    {
        var (ring, stored) = await StoredAsync();
        HashSet<string> series = [];
        for (var request = 0; request < 200; request++)
        {
            using var key = await ring.OpenDataKeyAsync(stored);
            series.UnionWith(SeriesOf(key, 1));
        }

        Assert.That(series, Has.Count.LessThan(100));
    }

    [Test]
    public async Task A_closed_data_key_leaves_the_others_open()
    {
        var (ring, stored) = await StoredAsync();
        ByokDataKey one = await ring.OpenDataKeyAsync(stored), other = await ring.OpenDataKeyAsync(stored);
        var value = one.EncryptText("x");

        one.Dispose();
        one.Dispose();

        Assert.Throws<ObjectDisposedException>(() => one.EncryptText("x"));
        Assert.Throws<ObjectDisposedException>(() => one.DecryptText(value));
        Assert.That(other.DecryptText(value) + other.DecryptText(other.EncryptText("y")), Is.EqualTo("xy"));
        other.Dispose();
    }

    [Test]
    public async Task A_denial_erases_what_all_share()
    {
        var (ring, stored) = await StoredAsync();
        using ByokDataKey one = await ring.OpenDataKeyAsync(stored), other = await ring.OpenDataKeyAsync(stored);
        one.EncryptText("x");
        var ciphers = one.Cipher.Xaes.Idle.ToList();
        _world.Key.Disable();

        await ring.ProbeAsync();

        Assert.That(one.Cipher.IsErased && other.Cipher.IsErased && ciphers.TrueForAll(each => each.IsErased));
        Assert.Throws<ByokKeyUnavailableException>(() => one.EncryptText("x"));
        Assert.Throws<ByokKeyUnavailableException>(() => other.EncryptText("x"));

        _world.Key.Enable();
        _world.Time.Advance(TimeSpan.FromSeconds(1));
        using var again = await ring.OpenDataKeyAsync(stored);
        Assert.That(again.DecryptText(again.EncryptText("x")), Is.EqualTo("x"));
        Assert.Throws<ByokKeyUnavailableException>(() => one.EncryptText("x"), "it stays closed");
    }

    [Test]
    public async Task The_last_to_close_erases_what_the_cache_has_let_go()
    {
        var (ring, stored) = await StoredAsync(options => options.DataKeyCache.MaxKeys = 1);
        ByokDataKey one = await ring.OpenDataKeyAsync(stored), other = await ring.OpenDataKeyAsync(stored);
        await ring.DecryptAsync(await ring.EncryptAsync(new byte[1])); // takes the only place in the cache

        one.Dispose();
        Assert.That(other.DecryptText(other.EncryptText("x")), Is.EqualTo("x"));
        Assert.That(other.Cipher.IsErased, Is.False);

        other.Dispose();
        Assert.That(other.Cipher.IsErased);
    }

    [Test]
    public async Task An_evicted_key_erases_what_no_data_key_uses()
    {
        var (ring, stored) = await StoredAsync(options => options.DataKeyCache.MaxKeys = 1);
        var key = await ring.OpenDataKeyAsync(stored);
        key.Dispose();
        Assert.That(key.Cipher.IsErased, Is.False, "kept for the next time that it is opened");

        await ring.DecryptAsync(await ring.EncryptAsync(new byte[1]));

        Assert.That(key.Cipher.IsErased);
    }

    [Test]
    public async Task What_is_not_opened_again_is_erased_within_two_intervals()
    {
        var (ring, stored) = await StoredAsync();
        var key = await ring.OpenDataKeyAsync(stored);
        key.Dispose();

        _world.Time.Advance(Interval);
        Assert.That(key.Cipher.IsErased, Is.False);
        _world.Time.Advance(Interval);

        Assert.That(key.Cipher.IsErased);
        using var again = await ring.OpenDataKeyAsync(stored);
        Assert.That(again.DecryptText(again.EncryptText("x")), Is.EqualTo("x"));
    }

    [Test]
    public async Task Disposing_the_host_erases_what_the_cache_keeps()
    {
        var (ring, stored) = await StoredAsync();
        ByokDataKey closed = await ring.OpenDataKeyAsync(stored), open = await ring.OpenDataKeyAsync(stored);
        closed.Dispose();

        await _provider.DisposeAsync();

        Assert.That(closed.Cipher.IsErased && open.Cipher.IsErased);
        Assert.Throws<ObjectDisposedException>(() => open.EncryptText("x"));
    }

    [Test]
    public async Task A_forged_message_takes_no_cipher_and_no_place()
    {
        var (ring, stored) = await StoredAsync();
        using var key = await ring.OpenDataKeyAsync(stored);
        var forged = stored.ToArray();
        forged[^1] ^= 1; // under the same encrypted data key, which is cached

        await Assert.ThrowsAsync<ByokDecryptionException>(async () => await ring.OpenDataKeyAsync(forged));

        using var again = await ring.OpenDataKeyAsync(stored);
        Assert.That(again.Cipher, Is.SameAs(key.Cipher));
    }

    [Test]
    public void A_cached_key_keeps_the_cipher_of_one_message()
    {
        DecryptionKey cached = new(new UnwrappedKey(DataKey.Generate(), Origin, Moment.Never), null!, []);
        ValueCipher Lease(byte message) => cached.LeaseCipher([message], Derive);

        var first = Lease(1);
        Assert.That(Lease(1), Is.SameAs(first));
        var second = Lease(2);
        first.EndLease();
        Assert.That(first.IsErased, Is.False, "one lease is left");
        first.EndLease();
        Assert.That((first.IsErased, second.IsErased), Is.EqualTo((true, false)));

        cached.Dispose();
        Assert.That(second.IsErased, Is.False);
        second.EndLease();
        Assert.That(second.IsErased);

        // A use under way at the disposal can come later.
        var late = Lease(2);
        late.EndLease();
        Assert.That(late.IsErased, "a disposed key keeps nothing");
    }

    [Test]
    [Category("Slow")]
    public async Task No_lease_ends_early_and_none_is_left_while_keys_come_and_go()
    {
        const int threads = 4;
        System.Collections.Concurrent.ConcurrentDictionary<ValueCipher, bool> seen = [];
        var current = New();
        var left = 200_000;
        await Task.WhenAll(Enumerable.Range(0, threads).Select(_ => Task.Run(Use)));
        current.Dispose();

        Assert.That(seen, Has.Count.GreaterThan(100));
        Assert.That(seen.Keys.Count(cipher => !cipher.IsErased), Is.Zero, "ciphers that are not erased");

        DecryptionKey New() => new(new UnwrappedKey(DataKey.Generate(), Origin, Moment.Never), null!, []);

        void Use()
        {
            var encrypted = new byte[ValueCipher.Overhead];
            while (Interlocked.Decrement(ref left) is var number && number >= 0)
            {
                var key = Volatile.Read(ref current);
                var cipher = key.LeaseCipher([(byte)(number % 100 == 0 ? 1 : 0)], Derive);
                seen.TryAdd(cipher, true);
                switch (number % 1000)
                {
                    case 1:
                        Interlocked.CompareExchange(ref current, New(), key);
                        key.Dispose();
                        break;
                    case 2 or 3:
                        key.EndUnusedCipher();
                        break;
                }

                // Throws if the cipher is erased, which would end the test: this thread has a lease.
                cipher.Encrypt(now: 0, [], [], encrypted);
                if (!cipher.TryDecrypt(encrypted, [], []))
                {
                    Assert.Fail("A value does not open under its cipher.");
                }

                cipher.EndLease();
            }
        }
    }

    private static ValueCipher Derive()
    {
        using var secret = DataKey.Generate();
        return ValueCipher.Derive(secret, tenant: default);
    }

    private static HashSet<string> SeriesOf(ByokDataKey key, int values) =>
        [.. Enumerable.Range(0, values).Select(_ => Convert.ToHexString(key.EncryptText("x").AsSpan(8, 12)))];

    /// <summary>A ring with a cache, and a data key that was closed after it was made.</summary>
    private async Task<(IByokKeyRing Ring, ReadOnlyMemory<byte> Stored)> StoredAsync(Action<ByokOptions>? options = null)
    {
        var services = _world.Services(o =>
        {
            o.DataKeyCache.MaxAge = TimeSpan.FromHours(1);
            o.ConfirmationInterval = Interval;
            options?.Invoke(o);
        });
        services.AddScalrByok().AddKeyRing(s => (s.KeyArn, s.Credentials) = (_world.Key.Arn, _world.Settings("AccessKeys").Credentials));
        _provider = _world.Build(services);
        var ring = _world.Follow(_provider.GetRequiredService<IByokKeyRing>());
        using var made = await ring.CreateDataKeyAsync();
        return (ring, made.EncryptedKey);
    }
}
