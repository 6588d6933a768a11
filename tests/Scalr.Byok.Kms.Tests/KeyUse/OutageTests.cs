using LocalAws;
using Scalr.Byok.Kms.Tests.World;
using static Scalr.Byok.Kms.Tests.KeyUse.KeyUseWorld;

namespace Scalr.Byok.Kms.Tests.KeyUse;

/// <summary>
/// AWS KMS does not answer: every use goes on until MaxAge after the last acceptance, and OutageGrace longer, but not for throttling.
/// </summary>
[CancelAfter(120_000)]
[Category("Slow")]
internal sealed class OutageTests
{
    private static readonly TimeSpan Grace = TimeSpan.FromMinutes(10);
    private static readonly UseKind[] Kinds = Enum.GetValues<UseKind>();

    public static IEnumerable<TestCaseData> Outages() =>
        from type in World.ByokWorld.CredentialTypes
        from kind in Kinds
        from hasGrace in (bool[])[false, true]
        where type == "AccessKeys" || kind is UseKind.DecryptMessage or UseKind.DecryptValue
        select new TestCaseData(type, kind, hasGrace);

    [TestCaseSource(nameof(Outages))]
    public async Task Using_a_key_goes_on_until_MaxAge_and_grace(string type, UseKind kind, bool hasGrace)
    {
        var grace = hasGrace ? Grace : TimeSpan.Zero;
        await using var world = await StartAsync(type, o => o.DataKeyCache.OutageGrace = grace);
        var use = await world.StartUseAsync(kind);
        world.BreakKms();

        await world.DemandUseAsync(MaxAge + grace - Second, (MaxAge + grace) / 30, use);
        await world.PassAsync(Second);

        await DemandOutageAsync(world, use);
    }

    [Test]
    public async Task An_open_data_key_that_is_opened_again_begins_another_MaxAge()
    {
        await using var world = await StartAsync("AccessKeys");
        var otherContext = new Dictionary<string, string> { ["record"] = "other" };
        using var other = await world.Ring.CreateDataKeyAsync(otherContext); // confirmations use its origin
        using var first = await world.Ring.CreateDataKeyAsync(Context);
        var value = first.Encrypt("a value"u8);
        await world.PassAsync(MaxAge + Second);
        using var second = await world.Ring.OpenDataKeyAsync(first.EncryptedKey.ToArray(), Context);
        world.BreakKms();

        Assert.That(first.Decrypt(value), Is.EqualTo("a value"u8.ToArray()), "KEY-USE, rule 3: the origin was accepted");
    }

    [Test]
    public async Task Using_a_key_gets_no_grace_for_throttling([ValueSource(nameof(Kinds))] UseKind kind)
    {
        await using var world = await StartAsync("AccessKeys", o => o.DataKeyCache.OutageGrace = Grace);
        var use = await world.StartUseAsync(kind);
        world.BreakKms("ThrottlingException", 400);

        await world.DemandUseAsync(MaxAge - Second, MaxAge / 30, use);
        await world.PassAsync(Second);

        await DemandOutageAsync(world, use);
    }

    [Test]
    public async Task Using_an_idle_ring_asks_AWS_first_and_goes_on([ValueSource(nameof(Kinds))] UseKind kind)
    {
        await using var world = await StartAsync("AccessKeys");
        var use = await world.StartUseAsync(kind);
        world.BreakKms();
        var before = world.Aws.Log.Requests.Count;
        await world.PassAsync(2 * Interval);

        await use.OnceAsync();

        var attempts = world.Aws.Log.Requests.Skip(before).ToList();
        Assert.That(attempts, Is.Not.Empty);
        Assert.That(
            world.Clocks.True.GetUtcNow() - attempts[^1].Time,
            Is.LessThan(Interval), "the last attempt is younger than the interval");
        await world.PassAsync(MaxAge - (2 * Interval));
        await DemandOutageAsync(world, use);
    }

    [Test]
    public async Task Decrypting_waits_for_one_attempt_and_not_for_the_next()
    {
        await using var world = await StartAsync("AccessKeys");
        var use = await world.StartUseAsync(UseKind.DecryptMessage);
        world.Aws.Faults.Add(Fault.BlackHole());
        await world.PassAsync(Interval);
        var before = world.Count("Decrypt");
        var first = use.AtOnceAsync();
        await world.World.ReceivedAsync("Decrypt", before + 1);
        Assert.That(first.IsCompleted, Is.False);
        world.Clocks.Advance(AttemptTimeout);
        await first;

        for (var i = 0; i < 100; i++)
        {
            await use.AtOnceAsync().WaitAsync(TimeSpan.FromSeconds(30));
        }
    }

    [Test]
    public async Task Using_a_key_goes_on_after_an_outage([ValueSource(nameof(Kinds))] UseKind kind)
    {
        await using var world = await StartAsync("AccessKeys");
        var use = await world.StartUseAsync(kind);
        world.BreakKms();
        await world.DemandUseAsync(MaxAge - (2 * TimeSpan.FromSeconds(15)), TimeSpan.FromSeconds(15), use);
        world.Aws.Faults.Clear();

        await world.DemandUseAsync(MaxAge, TimeSpan.FromSeconds(15), use);

        Assert.That(world.Aws.Log.Requests[^1].ErrorCode, Is.Null);
    }

    [Test]
    public async Task Using_a_value_that_an_outage_forbids_asks_AWS_once_per_second(
        [Values(UseKind.DecryptValue, UseKind.EncryptValue)] UseKind kind)
    {
        await using var world = await StartAsync("AccessKeys");
        var use = await world.StartUseAsync(kind);
        world.BreakKms();
        await world.PassAsync(MaxAge + Interval);
        var before = world.Count("Decrypt");

        for (var second = 1; second <= 10; second++)
        {
            for (var i = 0; i < 20; i++)
            {
                await Assert.ThrowsAsync<ByokServiceException>(use.AtOnceAsync);
                await world.SettleAsync();
            }


            // The timer of open data keys asks too, after pauses of 1, 2, 4 and 8 s.
            Assert.That(world.Count("Decrypt") - before, Is.LessThanOrEqualTo(second + 4), $"in {second} s");
            await world.PassAsync(Second);
        }

        Assert.That(world.Count("Decrypt") - before, Is.GreaterThan(2), "the longest pause is 15 s");
    }

    [Test]
    public async Task Using_a_key_that_an_outage_forbids_makes_one_attempt([ValueSource(nameof(Kinds))] UseKind kind)
    {
        await using var world = await StartAsync("AccessKeys");
        var use = await world.StartUseAsync(kind);
        world.BreakKms();
        await world.PassAsync(MaxAge + Interval);
        var before = world.Aws.Log.Requests.Count;

        await Assert.ThrowsAsync<ByokServiceException>(use.AtOnceAsync);

        await world.SettleAsync();
        Assert.That(
            world.Aws.Log.Requests.Count - before,
            use.IsSynchronous ? Is.LessThanOrEqualTo(1) : Is.EqualTo(1), "none if the attempt for open data keys is under way");
    }

    private static async Task DemandOutageAsync(KeyUseWorld world, Use use)
    {
        foreach (var _ in (int[])[1, 2])
        {
            var outage = await Assert.ThrowsAsync<ByokServiceException>(use.AtOnceAsync, "the first use after the last moment");
            Assert.That(outage!.IsTransient, Is.True);
            await world.SettleAsync();
        }
    }
}
