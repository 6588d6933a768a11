using System.Diagnostics;
using System.Reflection;
using System.Runtime.CompilerServices;
using LocalAws;
using Scalr.Byok.Kms.DataKeys;
using Scalr.Byok.Kms.Tests.World;

namespace Scalr.Byok.Kms.Tests.KeyRing;

/// <summary>How long an open data key may be used: what the customer takes away ends it, AWS keeps confirming it, and an outage is neither.</summary>
[CancelAfter(120_000)]
internal sealed class OpenDataKeyTests
{
    private static readonly TimeSpan ConfirmationInterval = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan MaxAge = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    private ByokWorld _world = null!;
    private ActivityListener _listener = null!;
    private int _looksBegun;
    private int _looksEnded;

    [SetUp]
    public async Task StartAsync()
    {
        _world = await ByokWorld.StartAsync();
        (_looksBegun, _looksEnded) = (0, 0);
        _listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name == ByokTelemetry.ActivitySourceName,
            Sample = (ref ActivityCreationOptions<ActivityContext> options) => options.Name == "Watch" ? ActivitySamplingResult.AllData : ActivitySamplingResult.None,
            ActivityStarted = _ => Interlocked.Increment(ref _looksBegun),
            ActivityStopped = _ => Interlocked.Increment(ref _looksEnded),
        };
        ActivitySource.AddActivityListener(_listener);
    }

    [TearDown]
    public async Task StopAsync()
    {
        _listener.Dispose();
        await _world.DisposeAsync();
    }

    public static IEnumerable<TestCaseData> Revocations() =>
        CachedKeyRingTests.Revocations().SelectMany(one => (TestCaseData[])
        [
            new TestCaseData(one.Arguments[0], one.Arguments[1], one.Arguments[2], true).SetArgDisplayNames([.. one.ArgDisplayNames!, "cache"]),
            new TestCaseData(one.Arguments[0], one.Arguments[1], one.Arguments[2], false).SetArgDisplayNames([.. one.ArgDisplayNames!, "no cache"]),
        ]);

    [TestCaseSource(nameof(Revocations))]
    public async Task A_revocation_ends_an_open_key_within_the_probe_interval(string type, Action<ByokWorld> revoke, Action<ByokWorld> giveBack, bool cached)
    {
        var ring = Ring(type, o => o.DataKeyCache.MaxAge = cached ? MaxAge : TimeSpan.Zero);
        var made = await ring.CreateDataKeyAsync();
        var opened = await ring.OpenDataKeyAsync(made.EncryptedKey);
        var encrypted = made.Encrypt("abc");

        revoke(_world);
        Assert.That(opened.DecryptText(encrypted), Is.EqualTo("abc"), "nobody knows yet");
        _world.Time.Advance(cached ? ConfirmationInterval : ConfirmationInterval / 2);
        await _world.LoggedAsync("cached data keys are erased");

        var refusal = (await Assert.ThrowsAsync<ByokKeyUnavailableException>(async () => await ring.OpenDataKeyAsync(made.EncryptedKey)))!;
        foreach (var use in (Action[])[() => opened.DecryptText(encrypted), () => opened.Decrypt(encrypted), () => opened.Encrypt("x"), () => made.Encrypt("x")])
        {
            var thrown = Assert.Throws<ByokKeyUnavailableException>(() => use())!;
            Assert.That((thrown.Reason, thrown.Remedy, thrown.KeyArn, thrown.IsTransient), Is.EqualTo((refusal.Reason, refusal.Remedy, refusal.KeyArn, false)));
        }

        Assert.That((IsErased(made), IsErased(opened)), Is.EqualTo((true, true)));
        giveBack(_world);
        using var again = await ring.OpenDataKeyAsync(made.EncryptedKey);
        Assert.That(again.DecryptText(encrypted), Is.EqualTo("abc"));
        Assert.Throws<ByokKeyUnavailableException>(() => opened.Decrypt(encrypted), "an ended key stays so");
    }

    [Test]
    public async Task A_refusal_on_any_call_ends_open_keys_at_once()
    {
        var ring = Ring();
        using var key = await ring.CreateDataKeyAsync();
        _world.Key.Disable();

        await Assert.ThrowsAsync<ByokKeyUnavailableException>(async () => await ring.EncryptAsync(new byte[1]));

        Assert.That(Assert.Throws<ByokKeyUnavailableException>(() => key.Encrypt("x"))!.Reason, Is.EqualTo(ByokKeyUnavailableReason.KeyDisabled));
        Assert.That(IsErased(key), Is.True);
    }

    [Test]
    public async Task A_probe_that_finds_the_key_disabled_ends_open_keys()
    {
        var ring = Ring();
        using var key = await ring.CreateDataKeyAsync();
        _world.Key.Disable();

        await ring.ProbeAsync();

        var thrown = Assert.Throws<ByokKeyUnavailableException>(() => key.Encrypt("x"))!;
        Assert.That((thrown.Reason, thrown.KeyArn, thrown.Remedy), Is.EqualTo((ByokKeyUnavailableReason.KeyDisabled, ring.KeyArn, "Enable the key in AWS KMS.")));
    }

    [Test]
    public async Task A_revoked_previous_key_ends_its_own_data_keys_only()
    {
        await using var change = await KeyChange.StartAsync();
        var ring = change.Ring(o => o.DataKeyCache.MaxAge = MaxAge);
        using var made = await change.Old.CreateDataKeyAsync();
        using ByokDataKey old = await ring.OpenDataKeyAsync(made.EncryptedKey), current = await ring.CreateDataKeyAsync();
        change.OldKey.Disable();

        await Assert.ThrowsAsync<ByokKeyUnavailableException>(async () => await ring.RewrapAsync(made.EncryptedKey));

        Assert.That(Assert.Throws<ByokKeyUnavailableException>(() => old.Encrypt("x"))!.KeyArn.ToString(), Is.EqualTo(change.OldKey.Arn));
        Assert.That(current.DecryptText(current.Encrypt("x")), Is.EqualTo("x"));
    }

    [Test]
    public async Task A_key_in_use_is_confirmed_again_and_again([Values] bool cached)
    {
        var ring = Ring(options: o => o.DataKeyCache.MaxAge = cached ? MaxAge : TimeSpan.Zero);
        using var key = await ring.CreateDataKeyAsync();
        using ByokDataKey same = await ring.OpenDataKeyAsync(key.EncryptedKey), other = await ring.CreateDataKeyAsync();
        using var unused = await ring.CreateDataKeyAsync();
        var (begin, looks, before) = (_world.Time.GetUtcNow(), 0, Count("Decrypt"));
        while (_world.Time.GetUtcNow() < begin + (2 * MaxAge))
        {
            foreach (var one in (ByokDataKey[])[key, same, other])
            {
                Assert.That(one.DecryptText(one.Encrypt("abc")), Is.EqualTo("abc"));
            }

            await NextLookAsync();
            looks++;
        }

        Assert.That(Count("Decrypt") - before, Is.EqualTo(2 * looks), "each encrypted key once, however often it is open; unused ones not at all");
        Assert.That(looks, Is.InRange(cached ? 10 : 20, cached ? 12 : 24));
        Assert.Throws<ByokServiceException>(() => unused.Encrypt("x"));
    }

    [Test]
    public async Task A_key_that_nobody_uses_is_not_probed_and_ends()
    {
        var ring = Ring();
        var key = await ring.CreateDataKeyAsync();
        _world.Time.Advance(MaxAge - Second);
        Assert.That(key.Encrypt("x"), Is.Not.Empty);
        _world.Time.Advance(Second);

        var thrown = Assert.Throws<ByokServiceException>(() => key.Encrypt("x"))!;

        Assert.That((thrown.IsTransient, thrown.Operation), Is.EqualTo((true, (string?)null)));
        Assert.That(thrown.Message, Does.Contain("within 00:05:00").And.Contain("OpenDataKeyAsync"));
        Assert.That(IsErased(key), Is.True);
        Assert.That(Assert.Throws<ByokServiceException>(() => key.Decrypt(new byte[48]))!.Message, Is.EqualTo(thrown.Message));
        key.Dispose();
        Assert.Throws<ObjectDisposedException>(() => key.Encrypt("x"));
    }

    [Test]
    public async Task A_key_that_nobody_uses_is_erased_though_nobody_asks()
    {
        var ring = Ring();
        using var key = await ring.CreateDataKeyAsync();

        for (var i = 0; i < 100 && !IsErased(key); i++)
        {
            _world.Time.Advance(ConfirmationInterval / 10);
        }

        await ByokWorld.UntilAsync(() => IsErased(key), "the key was not erased");
        Assert.That(Count("Decrypt"), Is.Zero);
    }

    [Test]
    public async Task Time_counts_from_when_AWS_was_asked_not_from_the_opening()
    {
        var ring = Ring(options: o => o.ConfirmationInterval = TimeSpan.FromHours(1));
        using var first = await ring.CreateDataKeyAsync();
        using var opened = await ring.OpenDataKeyAsync(first.EncryptedKey);
        _world.Time.Advance(MaxAge * 0.7);
        using var again = await ring.OpenDataKeyAsync(first.EncryptedKey);
        Assert.That(Count("Decrypt"), Is.EqualTo(1));

        _world.Time.Advance(MaxAge * 0.3);

        Assert.Throws<ByokServiceException>(() => again.Encrypt("x"));
    }

    [Test]
    public async Task Opening_late_in_its_time_asks_AWS_ahead()
    {
        var ring = Ring(options: o => o.ConfirmationInterval = TimeSpan.FromHours(1));
        using var first = await ring.CreateDataKeyAsync();
        using var opened = await ring.OpenDataKeyAsync(first.EncryptedKey);
        _world.Time.Advance(MaxAge * 0.8);
        var keys = await Task.WhenAll(Enumerable.Range(0, 50).Select(_ => Task.Run(async () => await ring.OpenDataKeyAsync(first.EncryptedKey))));
        var (asked, confirmed) = (_world.Time.GetTimestamp(), 0L);
        await ByokWorld.UntilAsync(() => (confirmed = Origin(keys[0]).Confirmed) == asked, "the key was not confirmed");

        _world.Time.Advance(MaxAge * 0.9);

        Assert.That(Count("Decrypt"), Is.EqualTo(2));
        Assert.That(keys.Select(key => key.DecryptText(opened.Encrypt("abc"))), Is.All.EqualTo("abc"));
    }

    [Test]
    public async Task Without_a_cache_an_open_key_lasts_for_the_probe_interval()
    {
        var ring = Ring(options: o => o.DataKeyCache.MaxAge = TimeSpan.Zero);
        _world.Aws.Faults.Add(Fault.Error("InternalFailure", 500) with { Operation = "Decrypt" });
        using var key = await ring.CreateDataKeyAsync();
        _world.Time.Advance(ConfirmationInterval - Second);
        Assert.That(key.Encrypt("x"), Is.Not.Empty);

        _world.Time.Advance(Second);

        Assert.Throws<ByokServiceException>(() => key.Encrypt("x"));
    }

    [Test]
    public async Task An_outage_is_survived_for_the_grace_and_no_longer([Values] bool hasGrace)
    {
        var grace = hasGrace ? TimeSpan.FromMinutes(10) : TimeSpan.Zero;
        var ring = Ring("AssumeRole", o => o.DataKeyCache.OutageGrace = grace);
        using var key = await ring.CreateDataKeyAsync();
        var encrypted = key.Encrypt("abc");
        _world.Aws.Faults.Add(Fault.Error("InternalFailure", 500));
        var begin = _world.Time.GetUtcNow();
        while (_world.Time.GetUtcNow() < begin + MaxAge + grace - (2 * ConfirmationInterval))
        {
            Assert.That(key.DecryptText(encrypted), Is.EqualTo("abc"));
            await NextLookAsync();
            Assert.That(Origin(key).IsFailing, Is.True);
        }

        _world.Time.Advance(begin + MaxAge + grace - _world.Time.GetUtcNow() - Second);
        Assert.That(key.DecryptText(encrypted), Is.EqualTo("abc"));
        _world.Time.Advance(Second);

        Assert.That(Assert.Throws<ByokServiceException>(() => key.Decrypt(encrypted))!.IsTransient, Is.True);
        Assert.That(IsErased(key), Is.True);
    }

    [Test]
    public async Task Grace_is_for_outages_only()
    {
        var ring = Ring(options: o => (o.DataKeyCache.OutageGrace, o.ConfirmationInterval) = (TimeSpan.FromMinutes(10), TimeSpan.FromMinutes(6)));
        using var key = await ring.CreateDataKeyAsync();
        _world.Time.Advance(MaxAge);
        Assert.Throws<ByokServiceException>(() => key.Encrypt("x"), "nobody has seen an outage");
        Assert.That(IsErased(key), Is.False, "it may still be confirmed, since it is wanted");

        await NextLookAsync();

        Assert.That(key.Encrypt("x"), Is.Not.Empty);
    }

    [Test]
    public async Task DescribeKey_denied_alone_is_no_revocation()
    {
        _world.User.Policy = Policies.Permissions(_world.Key.Arn, "kms:Encrypt", "kms:Decrypt");
        using var key = await Ring().CreateDataKeyAsync();
        key.Encrypt("x");

        await NextLookAsync();

        Assert.That(key.DecryptText(key.Encrypt("x")), Is.EqualTo("x"));
    }

    [Test]
    public async Task A_forgotten_key_is_erased()
    {
        var ring = Ring(options: o => o.DataKeyCache.MaxAge = TimeSpan.FromHours(1));
        var cipher = await ForgetAsync(ring);

        await ByokWorld.UntilAsync(
            () =>
            {
                GC.Collect();
                _world.Time.Advance(TimeSpan.FromSeconds(1)); // slowly: a look, under way on real sockets, must not take minutes by this clock
                return IsErased(cipher);
            },
            "the key was not erased");

        Assert.That(_world.Time.GetUtcNow(), Is.LessThan(_world.Time.Start + TimeSpan.FromHours(1)), "before its time was over");
    }

    [Test]
    public void A_key_whose_opening_began_before_a_revocation_is_not_let_in([Values] bool revoked)
    {
        using var keys = new OpenDataKeys();
        using var secret = DataKey.Generate();
        var owner = KmsKeyArn.Parse(_world.Key.Arn);
        var tenure = new KeyTenure(
            ValueCipher.Derive(secret, default),
            new KeyOrigin(owner, new EncryptedDataKey("test", default, default), new Dictionary<string, string>(), asked: 0),
            new TenureTerms(MaxAge, default, _world.Time, () => { }),
            keys);
        var before = keys.Revocations;
        if (revoked)
        {
            keys.Revoke(owner, new ByokKeyUnavailableException(owner, ByokKeyUnavailableReason.KeyDisabled, "kms:Decrypt"));
        }

        Assert.That(keys.TryAdd(tenure, before), Is.EqualTo(!revoked));
    }

    [Test]
    public async Task Disposing_the_host_ends_open_keys()
    {
        var services = _world.Services(o => o.DataKeyCache.MaxAge = MaxAge);
        services.AddScalrByok().AddKeyRing(s => (s.KeyArn, s.Credentials) = (_world.Key.Arn, _world.Settings("AccessKeys").Credentials));
        var provider = _world.Build(services);
        var ring = Microsoft.Extensions.DependencyInjection.ServiceProviderServiceExtensions.GetRequiredService<IByokKeyRing>(provider);
        var key = await ring.CreateDataKeyAsync();

        await provider.DisposeAsync();

        Assert.Throws<ObjectDisposedException>(() => key.Encrypt("x"));
        Assert.That(IsErased(key), Is.True);
        await Assert.ThrowsAsync<ObjectDisposedException>(async () => await ring.CreateDataKeyAsync());
        await Assert.ThrowsAsync<ObjectDisposedException>(async () => await ring.OpenDataKeyAsync(key.EncryptedKey));
    }

    /// <summary>Whether nothing of the key is left that a value could be opened with.</summary>
    internal static bool IsErased(ByokDataKey key) => IsErased(Field<ValueCipher>(key, "_cipher"));

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static async Task<ValueCipher> ForgetAsync(IByokKeyRing ring)
    {
        var key = await ring.CreateDataKeyAsync();
        key.Encrypt("x");
        return Field<ValueCipher>(key, "_cipher");
    }

    private static bool IsErased(ValueCipher cipher)
    {
        var aes = Field<Xaes256Gcm>(cipher, "_aes");
        return Field<DataKey>(aes, "_key").IsErased && Field<XaesSubkeys?[]>(aes, "_idle").All(idle => idle is null);
    }

    private static KeyOrigin Origin(ByokDataKey key) => Field<KeyTenure>(key, "_tenure").Origin;

    private static T Field<T>(object owner, string name) => (T)owner.GetType().GetField(name, BindingFlags.Instance | BindingFlags.NonPublic)!.GetValue(owner)!;

    private IByokKeyRing Ring(string type = "AccessKeys", Action<ByokOptions>? options = null) => _world.Ring(type, options: o =>
    {
        o.DataKeyCache.MaxAge = MaxAge;
        o.ConfirmationInterval = ConfirmationInterval;
        options?.Invoke(o);
    });

    /// <summary>Moves the clock on, a little at a time, until a ring begins to look; it stands still until the look has ended.</summary>
    private async Task NextLookAsync()
    {
        var before = Volatile.Read(ref _looksBegun);
        await ByokWorld.UntilAsync(
            () =>
            {
                _world.Time.Advance(TimeSpan.FromMilliseconds(10));
                return Volatile.Read(ref _looksBegun) > before;
            },
            "the ring did not look");
        await ByokWorld.UntilAsync(() => Volatile.Read(ref _looksEnded) > before, "the look did not end");
    }

    private int Count(string operation) => _world.Aws.Log.Count(operation);
}
