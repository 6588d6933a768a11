using Moq;
using Scalr.Byok.Kms.Fleet;
using Scalr.Byok.Kms.Tests.World;
using static Scalr.Byok.Kms.Tests.KeyUse.KeyUseWorld;

namespace Scalr.Byok.Kms.Tests.Fleet;

/// <summary>New settings reach all instances.</summary>
[CancelAfter(300_000)]
[Category("Slow")]
[Parallelizable(ParallelScope.All)]
internal sealed class FleetInvalidationTests
{
    private static readonly string[] Tenants = FleetWorld.Tenants(2);

    [Test]
    public async Task Invalidate_on_one_instance_reaches_all_within_the_interval([Values] bool isAsync)
    {
        await using var world = await StartAsync();
        ChangeSettings(world);
        if (isAsync)
        {
            Assert.That(await world.Instances[0].Rings.InvalidateAsync(Tenants[0]), Is.True);
            Assert.That(await world.Instances[0].Rings.InvalidateAsync(Tenants[1]), Is.True);
        }
        else
        {
            foreach (var tenant in Tenants)
            {
                world.Instances[0].Rings.Invalidate(tenant);
            }
        }

        await DemandNewAsync(world, Interval);
    }

    [Test]
    public async Task Invalidate_reaches_all_within_MaxAge_if_the_cache_fails_at_that_moment(
        [Values(FleetCacheMode.Throws, FleetCacheMode.Frozen)] FleetCacheMode mode, [Values] bool isBack)
    {
        await using var world = await StartAsync();
        ChangeSettings(world);
        world.Cache.Mode = mode;
        foreach (var tenant in Tenants)
        {
            Assert.That(await world.Instances[0].Rings.InvalidateAsync(tenant), Is.EqualTo(mode == FleetCacheMode.Frozen));
        }

        world.Cache.Mode = isBack ? FleetCacheMode.Works : mode;
        await DemandNewAsync(world, MaxAge);
    }

    /// <summary>A version is read ahead of time. A failed read is not taken for "there is no version".</summary>
    [Test]
    public async Task A_read_that_fails_is_repeated_within_the_interval(
        [Values(FleetCacheMode.Throws, FleetCacheMode.Hangs)] FleetCacheMode mode)
    {
        await using var world = await StartAsync();
        ChangeSettings(world);
        foreach (var tenant in Tenants)
        {
            Assert.That(await world.Instances[0].Rings.InvalidateAsync(tenant), Is.True);
        }

        await RoundsAsync(world, Interval / 3);
        world.Cache.Mode = mode;
        await RoundsAsync(world, Interval / 3);
        world.Cache.Mode = FleetCacheMode.Works;
        await DemandNewAsync(world, Interval / 3);
    }

    [TestCase(0.7, false)]
    [TestCase(1, true)]
    public async Task A_call_waits_for_the_cache_only_if_the_read_is_overdue(double intervals, bool waits)
    {
        await using var world = await FleetWorld.StartAsync(1);
        var rings = world.Instances[0].Rings;
        await rings.GetKeyRingAsync(Tenants[0]);
        world.Cache.Mode = FleetCacheMode.Hangs;
        world.World.Time.Advance(intervals * Interval);

        var call = rings.GetKeyRingAsync(Tenants[0]).AsTask();
        await ByokWorld.UntilAsync(() => world.World.Clock.Limits(FleetCache.Limit) > 0, "the cache was not called");

        if (waits)
        {
            Assert.That(call.IsCompleted, Is.False);
            world.World.Time.Advance(FleetCache.Limit);
        }

        await call.WaitAsync(TimeSpan.FromSeconds(30)); // of real time: the limit of the cache has not passed
        await world.SettleAsync();
    }

    [Test]
    public async Task A_read_that_failed_is_not_repeated_by_each_call()
    {
        await using var world = await FleetWorld.StartAsync(1);
        await CallAsync();
        world.Cache.Mode = FleetCacheMode.Throws;
        world.World.Time.Advance(0.7 * Interval);
        var before = world.Cache.Calls;
        await CallAsync();
        Assert.That(world.Cache.Calls, Is.EqualTo(before + 1));

        world.World.Time.Advance(0.04 * Interval); // longer than the first pause of the cache itself
        await CallAsync();
        await CallAsync();
        Assert.That(world.Cache.Calls, Is.EqualTo(before + 1));

        world.World.Time.Advance(0.01 * Interval);
        await CallAsync();
        Assert.That(world.Cache.Calls, Is.EqualTo(before + 2));

        async Task CallAsync()
        {
            await world.Instances[0].Rings.GetKeyRingAsync(Tenants[0]);
            await world.SettleAsync();
        }
    }

    [Test]
    public async Task A_thousand_tenants_are_invalidated_at_once()
    {
        await using var world = await FleetWorld.StartAsync(1);

        var published = await Task.WhenAll(
            FleetWorld.Tenants(1000).Select(tenant => world.Instances[0].Rings.InvalidateAsync(tenant)));

        Assert.That(published, Is.All.True);
    }

    [Test]
    public async Task An_idle_instance_reads_the_store_before_its_next_use()
    {
        await using var world = await StartAsync();
        ChangeSettings(world);
        await world.Instances[0].Rings.InvalidateAsync(Tenants[0]);
        await world.SettleAsync();
        world.World.Time.Advance(Interval);

        var ring = await world.Instances[1].Rings.GetKeyRingAsync(Tenants[0]);

        Assert.That(ring.KeyArn.ToString(), Is.EqualTo(world.Settings!.KeyArn));
    }

    [Test]
    public async Task Settings_that_stay_the_same_keep_the_ring()
    {
        await using var world = await StartAsync();
        var access = await world.Instances[1].AccessAsync(Tenants[0]);

        await world.Instances[0].Rings.InvalidateAsync(Tenants[0]);
        await RoundsAsync(world, Interval);

        Assert.That(await world.Instances[1].AccessAsync(Tenants[0]), Is.SameAs(access));
    }

    [Test]
    public async Task A_store_that_fails_leaves_the_old_settings_in_use()
    {
        await using var world = await StartAsync();
        var access = await world.Instances[1].AccessAsync(Tenants[0]);
        world.Instances[1].Store.Any = _ => throw new InvalidOperationException("store-password-72");

        await RoundsAsync(world, 2 * MaxAge);

        Assert.That(await world.Instances[1].AccessAsync(Tenants[0]), Is.SameAs(access));
        Assert.That(world.World.Logs.Entries, Has.Some.Contains(" 54:").And.None.Contains("store-password-72"));
    }

    [Test]
    public async Task InvalidateAsync_says_that_others_are_not_notified_without_sharing()
    {
        await using var world = await FleetWorld.StartAsync(1, isShared: false);
        var mock = new Mock<IByokKeyRingProvider>();

        Assert.That(await world.Instances[0].Rings.InvalidateAsync("tenant-0"), Is.False);
        Assert.That(await mock.Object.InvalidateAsync("tenant-0"), Is.False);
        mock.Verify(provider => provider.Invalidate("tenant-0"));
        await Assert.ThrowsAsync<ArgumentException>(() => world.Instances[0].Rings.InvalidateAsync(""));
        Assert.That(world.Cache.Calls, Is.Zero);
    }

    private static async Task<FleetWorld> StartAsync()
    {
        var world = await FleetWorld.StartAsync(3);
        await world.WarmUpAsync(Tenants);
        await RoundsAsync(world, Interval);
        return world;
    }

    private static async Task RoundsAsync(FleetWorld world, TimeSpan time)
    {
        for (var passed = TimeSpan.Zero; passed < time; passed += Second)
        {
            await world.RoundAsync(Second, Tenants);
        }
    }

    /// <summary>The customer has a new key. The old one stays among the previous keys.</summary>
    private static void ChangeSettings(FleetWorld world)
    {
        var old = world.World.Settings(ByokCredentialSettings.AccessKeysType);
        var key = world.World.Customer.CreateKey(Home);
        world.World.User.Policy = World.Policies.Permissions("*");
        world.Settings = new()
        {
            KeyArn = key.Arn,
            Credentials = old.Credentials,
            PreviousKeys = [new() { KeyArn = old.KeyArn, Credentials = old.Credentials }],
        };
    }

    private static async Task DemandNewAsync(FleetWorld world, TimeSpan limit)
    {
        await RoundsAsync(world, limit);
        foreach (var instance in world.Instances)
        {
            foreach (var tenant in Tenants)
            {
                Assert.That((await instance.Rings.GetKeyRingAsync(tenant)).KeyArn.ToString(), Is.EqualTo(world.Settings!.KeyArn));
            }
        }
    }
}
