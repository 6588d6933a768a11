using Scalr.Byok.Kms.Diagnostics;
using static Scalr.Byok.Kms.Tests.KeyUse.KeyUseWorld;
using Wanted = Scalr.Byok.Kms.DataKeys.KeyUse;

namespace Scalr.Byok.Kms.Tests.Fleet;

/// <summary>A disabled key ends all use in all instances in time, whatever the cache does.</summary>
[CancelAfter(300_000)]
[Category("Slow")]
[Parallelizable(ParallelScope.All)]
internal sealed class FleetRevocationTests
{
    private static readonly string[] Tenants = FleetWorld.Tenants(2);
    private static readonly TimeSpan Limit = Interval + FleetWorld.Tolerance + Second;

    [Test]
    public async Task After_a_disable_all_instances_deny_within_the_interval([Values] FleetCacheMode mode)
    {
        await using var world = await FleetWorld.StartAsync(4, clockStep: TimeSpan.FromSeconds(10));
        await BusyAsync(world);

        world.Cache.Mode = mode;
        await world.DisableAsync(Tenants, Limit);
    }

    [Test]
    public async Task A_cache_that_fails_long_before_changes_nothing([Values] FleetCacheMode mode)
    {
        await using var world = await FleetWorld.StartAsync(3);
        await world.WarmUpAsync(Tenants);
        world.Cache.Mode = mode;
        await BusyAsync(world);

        await world.DisableAsync(Tenants, Limit);
    }

    [Test]
    public async Task The_instance_that_asked_last_ends_with_the_disable()
    {
        await using var world = await FleetWorld.StartAsync(4);
        await BusyAsync(world);
        var asked = new List<(FleetInstance Instance, long Accepted)>();
        foreach (var instance in world.Instances)
        {
            asked.Add((instance, (await instance.AccessAsync(Tenants[0])).OwnAcceptance));
        }

        await asked.MaxBy(one => one.Accepted).Instance.DisposeAsync();
        await world.DisableAsync(Tenants, Limit);
    }

    [Test]
    public async Task An_instance_with_another_secret_shares_nothing()
    {
        await using var world = await FleetWorld.StartAsync(2);
        string[] secrets = [Convert.ToBase64String(new byte[32])];
        var other = new FleetInstance(
            world, default, options: null, secrets, ByokCredentialSettings.AccessKeysType, isShared: true);
        world.Instances.Add(other);
        await BusyAsync(world);

        await world.DisableAsync(Tenants, Limit, () => ClaimAsync(other));
    }

    [Test]
    public async Task A_faulty_instance_that_claims_acceptances_delays_a_disable_until_MaxAge_at_most([Values] bool losesDenials)
    {
        await using var world = await FleetWorld.StartAsync(3);
        await BusyAsync(world);
        var faulty = world.Instances[0];
        world.Cache.LosesDenials = losesDenials;
        var last = await world.DisableAsync(Tenants, MaxAge, () => ClaimAsync(faulty));

        TestContext.Out.WriteLine($"the last use began {last} after the change");

        // If the first instance that asks itself can write the denial, the others ask too.
        Assert.That(last, Is.GreaterThan(losesDenials ? Interval : TimeSpan.Zero), "the claims had an effect");
    }

    /// <summary>An instance that does not reach the key's own Region may go on with a replica. The others must not.</summary>
    [Test]
    public async Task An_acceptance_by_a_replica_does_not_hide_that_the_own_Region_denies()
    {
        await using var world = await FleetWorld.StartAsync(2);
        await BusyAsync(world);
        world.Cache.LosesDenials = true;

        await world.DisableAsync(Tenants, Limit, () => ClaimAsync(world.Instances[0], region: 1));
    }

    [Test]
    public async Task An_acceptance_by_a_replica_counts_for_instances_that_a_replica_serves()
    {
        const int Count = 4;
        await using var world = await FleetWorld.StartAsync(Count);
        world.World.Key.Replicate(Away);
        world.World.User.Policy = ByokPolicies.KeyPermissions(KmsKeyArn.Parse(world.World.Key.Arn), [Away]);
        world.Settings = world.World.Settings(ByokCredentialSettings.AccessKeysType);
        world.Settings.ReplicaRegions = [Away];
        world.World.Aws.Faults.Add(LocalAws.Fault.Error("InternalFailure", 500) with { Service = "kms", Region = Home });
        await BusyAsync(world);
        world.World.Aws.Log.Clear();

        await BusyAsync(world, warm: false);

        var accepted = world.World.Aws.Log.Requests.Count(request => request.Region == Away);
        Assert.That(accepted, Is.InRange(Tenants.Length, Count * Tenants.Length / 2), "the instances share them");
        world.World.Aws.Faults.Clear();
    }

    /// <summary>A use without a data key of its own, as of a stream that is encrypted: no renewal of a data key bounds it.</summary>
    [Test]
    public async Task Claims_extend_fact_1_until_MaxAge_after_the_own_acceptance_at_most([Values] bool isOutage)
    {
        await using var world = await FleetWorld.StartAsync(2);
        await BusyAsync(world);
        var (faulty, access) = (world.Instances[0], await world.Instances[1].AccessAsync(Tenants[0]));
        world.Cache.LosesDenials = true;
        world.World.Key.Disable();
        if (isOutage)
        {
            world.World.Aws.Faults.Add(LocalAws.Fault.Error("InternalFailure", 500) with { Service = "kms" });
        }

        var (own, last, time) = (access.OwnAcceptance, TimeSpan.Zero, world.World.Time);
        var clock = world.Instances[1].Sharing!.Time.Clock;
        for (var passed = TimeSpan.Zero; passed < 2 * MaxAge; passed += Second)
        {
            await ClaimAsync(faulty);
            await world.SettleAsync();
            try
            {
                await access.EnsureAsync(Wanted.Write, origin: null, CancellationToken.None);
                last = TimeSpan.FromTicks(clock.Now - own);
            }
            catch (ByokException)
            {
            }

            await world.SettleAsync();
            time.Advance(Second);
        }

        Assert.That(last, Is.InRange(MaxAge / 2, MaxAge));
        world.World.Aws.Faults.Clear();
    }

    [Test]
    public async Task In_an_outage_the_acceptances_of_others_extend_nothing()
    {
        await using var world = await FleetWorld.StartAsync(2);
        await BusyAsync(world);
        var faulty = world.Instances[0];
        world.World.Aws.Faults.Add(LocalAws.Fault.Error("InternalFailure", 500) with { Service = "kms" });
        var (began, last) = (world.World.Time.GetUtcNow(), TimeSpan.Zero);

        for (var passed = TimeSpan.Zero; passed < 2 * MaxAge; passed += FleetWorld.LongRound)
        {
            await world.RoundAsync(FleetWorld.LongRound, Tenants, (instance, _, error) =>
                last = instance != faulty && error is null ? world.World.Time.GetUtcNow() - began : last);
            await ClaimAsync(faulty);
        }

        Assert.That(last, Is.LessThanOrEqualTo(MaxAge));
        world.World.Aws.Faults.Clear();
    }

    [Test]
    public async Task Removed_trust_ends_all_use_within_the_interval_of_role_checks()
    {
        await using var world = await FleetWorld.StartAsync(3, type: ByokCredentialSettings.AssumeRoleType);
        await BusyAsync(world);
        world.World.AssumedRole.TrustPolicy = World.Policies.AssumeRoleTrust("999988887777", World.ByokWorld.ExternalId);
        var (change, last) = (world.World.Time.GetUtcNow(), TimeSpan.Zero);

        for (var passed = TimeSpan.Zero; passed < RoleCheck + Interval; passed += Second)
        {
            await world.RoundAsync(Second, Tenants, (_, _, error) => last = error is null ? world.World.Time.GetUtcNow() - change : last);
        }

        Assert.That(last, Is.LessThanOrEqualTo(RoleCheck + FleetWorld.Tolerance + Second));
    }

    [Test]
    public async Task A_failing_cache_is_logged_once_and_its_text_never(
        [Values(FleetCacheMode.Throws, FleetCacheMode.Hangs)] FleetCacheMode mode)
    {
        await using var world = await FleetWorld.StartAsync(1);
        await world.WarmUpAsync(Tenants);
        world.Cache.Mode = mode;
        for (var i = 0; i < 4; i++)
        {
            await BusyAsync(world, warm: false);
        }

        world.Cache.Mode = FleetCacheMode.Works;
        await BusyAsync(world, warm: false);

        var logs = world.World.Logs.Entries.ToList();
        Assert.That(logs.Count(entry => entry.Contains(" 80:", StringComparison.Ordinal)), Is.EqualTo(1));
        Assert.That(logs.Count(entry => entry.Contains(" 81:", StringComparison.Ordinal)), Is.EqualTo(1));
        Assert.That(logs, Has.None.Contains("cache-password-71").And.None.Contains(FleetWorld.Secret));
    }

    [Test]
    public async Task Entries_name_no_key_and_no_tenant()
    {
        await using var world = await FleetWorld.StartAsync(2, type: ByokCredentialSettings.AssumeRoleType);
        await BusyAsync(world);
        await world.Instances[0].Rings.InvalidateAsync(Tenants[0]);
        world.World.Key.Disable();
        await world.RoundAsync(Interval, Tenants, (_, _, _) => { });
        await world.RoundAsync(Interval, Tenants, (_, _, _) => { });

        var kinds = world.Cache.Entries.Select(entry => entry.Key.Split(':')[2]).Distinct();
        Assert.That(kinds, Is.SupersetOf((string[])["2", "3", "4", "5"]));
        Assert.That(world.Cache.Entries.Select(entry => entry.Value.Length), Is.All.EqualTo(78));
        Assert.That(world.Cache.Entries.Select(entry => entry.Key), Is.All.Match("^byok:1:[1-6]:[0-9A-F]{64}$"));
    }

    private static async Task BusyAsync(FleetWorld world, bool warm = true)
    {
        if (warm)
        {
            await world.WarmUpAsync(Tenants);
        }

        for (var passed = TimeSpan.Zero; passed < Interval * 1.1; passed += FleetWorld.LongRound)
        {
            await world.RoundAsync(FleetWorld.LongRound, Tenants);
        }
    }

    /// <summary>The instance writes "confirmed just now" and no denial, under its secret.</summary>
    private static async Task ClaimAsync(FleetInstance instance, int region = 0)
    {
        foreach (var tenant in Tenants)
        {
            var fleet = (await instance.AccessAsync(tenant)).Key.Fleet!;
            var clock = instance.Sharing!.Time.Clock;
            var now = clock.Mark();
            instance.Sharing.Time.Note(now.Ticks, now.Ticks, clock.Time.GetUtcNow());
            fleet.ShareAcceptance(AwsAction.Decrypt, region, now);
            fleet.ShareAcceptance(AwsAction.Encrypt, region, now);
        }
    }
}
