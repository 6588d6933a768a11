using System.Runtime.CompilerServices;
using LocalAws;
using Scalr.Byok.Kms.DataKeys;
using Scalr.Byok.Kms.Tests.World;

namespace Scalr.Byok.Kms.Tests.KeyRing;

/// <summary>
/// How long an open data key may be used: what the customer takes away ends it, AWS keeps confirming it, and an outage is neither.
/// </summary>
[CancelAfter(120_000)]
internal sealed class OpenDataKeyTests
{
    private static readonly TimeSpan ConfirmationInterval = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan MaxAge = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    private ByokWorld _world = null!;

    [SetUp]
    public async Task StartAsync()
    {
        _world = await ByokWorld.StartAsync();
    }

    [TearDown]
    public async Task StopAsync()
    {
        await _world.DisposeAsync();
    }

    [Test]
    public async Task A_refusal_on_any_call_ends_open_keys_at_once()
    {
        var ring = Ring();
        using var key = await ring.CreateDataKeyAsync();
        _world.Key.Disable();

        await Assert.ThrowsAsync<ByokKeyUnavailableException>(async () => await ring.EncryptAsync(new byte[1]));

        Assert.That(
            Assert.Throws<ByokKeyUnavailableException>(() => key.EncryptText("x"))!.Reason,
            Is.EqualTo(ByokKeyUnavailableReason.KeyDisabled));
        Assert.That(IsErased(key), Is.True);
    }

    [Test]
    public async Task A_probe_that_finds_the_key_disabled_ends_open_keys()
    {
        var ring = Ring();
        using var key = await ring.CreateDataKeyAsync();
        _world.Key.Disable();

        await ring.ProbeAsync();

        var thrown = Assert.Throws<ByokKeyUnavailableException>(() => key.EncryptText("x"))!;
        Assert.That(
            (thrown.Reason, thrown.KeyArn, thrown.Remedy),
            Is.EqualTo((ByokKeyUnavailableReason.KeyDisabled, ring.KeyArn, "Enable the key in AWS KMS.")));
        Assert.That(
            thrown.Message,
            Does.EndWith("Enable the key in AWS KMS. This data key was closed then. Open it again once the key can be used."));
    }

    [Test]
    public async Task A_revoked_previous_key_ends_its_own_data_keys_only()
    {
        await using var change = await KeyChange.StartAsync();
        var ring = change.Ring(o => o.DataKeyCache.MaxAge = MaxAge);
        using var made = await change.Old.CreateDataKeyAsync();
        using ByokDataKey old = await ring.OpenDataKeyAsync(made.EncryptedKey), current = await ring.CreateDataKeyAsync();
        var message = await change.EncryptOldAsync([1]); // under a data key that is not cached
        change.OldKey.Disable();

        await Assert.ThrowsAsync<ByokKeyUnavailableException>(async () => await ring.ReencryptAsync(message));

        Assert.That(
            Assert.Throws<ByokKeyUnavailableException>(() => old.EncryptText("x"))!.KeyArn.ToString(), Is.EqualTo(change.OldKey.Arn));
        Assert.That(current.DecryptText(current.EncryptText("x")), Is.EqualTo("x"));
    }

    [Test]
    public async Task A_forgotten_key_is_erased()
    {
        var ring = Ring(options: o => o.DataKeyCache.MaxAge = TimeSpan.FromHours(1));
        var cipher = await ForgetAsync(ring);

        var polls = 0;
        await ByokWorld.UntilAsync(
            () =>
            {
                ByokWorld.CollectAtTimes(polls++);

                // slowly: a look, under way on real sockets, must not take minutes by this clock
                _world.Time.Advance(TimeSpan.FromSeconds(1));
                return IsErased(cipher);
            },
            "the key was not erased");

        Assert.That(_world.Time.GetUtcNow(), Is.LessThan(_world.Time.Start + TimeSpan.FromHours(1)), "before its time was over");
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

        Assert.Throws<ObjectDisposedException>(() => key.EncryptText("x"));
        Assert.That(IsErased(key), Is.True);
        await Assert.ThrowsAsync<ObjectDisposedException>(async () => await ring.CreateDataKeyAsync());
        await Assert.ThrowsAsync<ObjectDisposedException>(async () => await ring.OpenDataKeyAsync(key.EncryptedKey));
    }

    [Test]
    public async Task Values_within_10_seconds_share_the_first_half_of_their_nonce()
    {
        using var key = await Ring().CreateDataKeyAsync();
        HashSet<string> before = [];
        for (var round = 0; round < 3; round++)
        {
            // One for each processor that this thread runs on.
            var series = Enumerable.Range(0, 100).Select(_ => Convert.ToHexString(key.EncryptText("x").AsSpan(8, 12))).ToHashSet();

            Assert.That(series, Has.Count.LessThan(100));
            Assert.That(series.Overlaps(before), Is.False, "a series lasted longer than 10 seconds");
            before.UnionWith(series);
            _world.Time.Advance(TimeSpan.FromSeconds(10));
        }
    }

    /// <summary>Whether nothing of the key is left that a value could be opened with.</summary>
    internal static bool IsErased(ByokDataKey key) => key.Cipher.IsErased;

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static async Task<ValueCipher> ForgetAsync(IByokKeyRing ring)
    {
        var key = await ring.CreateDataKeyAsync();
        key.EncryptText("x");
        return key.Cipher;
    }

    private static bool IsErased(ValueCipher cipher) => cipher.IsErased;

    private IByokKeyRing Ring(string type = "AccessKeys", Action<ByokOptions>? options = null) => _world.Ring(type, options: o =>
    {
        o.DataKeyCache.MaxAge = MaxAge;
        o.ConfirmationInterval = ConfirmationInterval;
        options?.Invoke(o);
    });
}
