using LocalAws;
using Scalr.Byok.Kms.Tests.World;
using static Scalr.Byok.Kms.Tests.Fleet.FleetWorld;
using static Scalr.Byok.Kms.Tests.KeyUse.KeyUseWorld;

namespace Scalr.Byok.Kms.Tests.Fleet;

/// <summary>What many instances cost, by the request log of AWS.</summary>
[CancelAfter(300_000)]
[Category("Slow")]
[Parallelizable(ParallelScope.All)]
internal sealed class FleetCostTests
{
    private const int Instances = 20;

    [Test]
    public async Task Twenty_instances_ask_AWS_little_more_than_one()
    {
        var time = TimeSpan.FromMinutes(5);
        var tenants = Tenants(Scale.Tenants(10));
        var one = await CountAsync(1, tenants, time, "AccessKeys", isShared: false);
        var alone = await CountAsync(Instances, tenants[..2], Interval * 2, "AccessKeys", isShared: false);
        var fleet = await CountAsync(Instances, tenants, time, "AccessKeys", isShared: true);

        TestContext.Out.WriteLine($"one instance: {one.Count}; {Instances} instances: {fleet.Count}");
        Assert.That(alone, Has.Count.GreaterThanOrEqualTo(Instances * 2 * 2), "without sharing, each instance asks");
        Assert.That(fleet, Has.Count.LessThanOrEqualTo(1.3 * one.Count));
    }

    [Test]
    public async Task Each_instance_confirms_with_its_own_request_within_MaxAge()
    {
        var tenants = Tenants(2);
        await using var world = await FleetWorld.StartAsync(4);
        await world.WarmUpAsync(tenants);

        for (var passed = TimeSpan.Zero; passed < 3 * MaxAge; passed += LongRound)
        {
            await world.RoundAsync(LongRound, tenants);
            foreach (var instance in world.Instances)
            {
                foreach (var tenant in tenants)
                {
                    var access = await instance.AccessAsync(tenant);
                    Assert.That(access.OwnAcceptance, Is.GreaterThan(instance.Sharing!.Time.Clock.Now - MaxAge.Ticks));
                }
            }
        }
    }

    [Test]
    public async Task Roles_are_checked_once_for_all_instances()
    {
        var time = TimeSpan.FromMinutes(20);
        var tenants = Tenants(2);
        static int Sessions(IEnumerable<LoggedRequest> requests) => requests.Count(request => request.Service == "sts");

        var one = Sessions(await CountAsync(1, tenants, time, "AssumeRole", isShared: false));
        var fleet = Sessions(await CountAsync(5, tenants, time, "AssumeRole", isShared: true));

        TestContext.Out.WriteLine($"one instance: {one}; five instances: {fleet}");
        Assert.That(one, Is.GreaterThanOrEqualTo(2 * 4));
        Assert.That(fleet, Is.LessThanOrEqualTo(1.3 * one).And.GreaterThanOrEqualTo(2 * 4));
    }

    private static async Task<IReadOnlyList<LoggedRequest>> CountAsync(
        int instances, string[] tenants, TimeSpan time, string type, bool isShared)
    {
        // Own confirmations and renewals, which are once per MaxAge, are not part of the comparison.
        await using var world = await FleetWorld.StartAsync(
            instances, o => o.DataKeyCache.MaxAge = TimeSpan.FromHours(1), type, isShared: isShared);
        await world.WarmUpAsync(tenants);
        world.World.Aws.Log.Clear();
        for (var passed = TimeSpan.Zero; passed < time; passed += LongRound)
        {
            await world.RoundAsync(LongRound, tenants);
        }

        return world.World.Aws.Log.Requests;
    }
}
