using static Scalr.Byok.Kms.Tests.KeyUse.KeyUseWorld;

namespace Scalr.Byok.Kms.Tests.Fleet;

/// <summary>The secret is replaced in three steps, as docs/fleet.md says. In each, some instances are a step ahead.</summary>
[CancelAfter(300_000)]
[Category("Slow")]
[Parallelizable(ParallelScope.All)]
internal sealed class FleetRotationTests
{
    private const string Old = FleetWorld.Secret;
    private const int Intervals = 3;

    private static readonly string New = Convert.ToBase64String(new byte[32]);
    private static readonly string[] Tenants = FleetWorld.Tenants(2);

    private static readonly object[] Steps =
    [
        new object[] { new[] { Old }, new[] { Old, New }, true },
        new object[] { new[] { Old, New }, new[] { New, Old }, true },
        new object[] { new[] { New, Old }, new[] { New }, true },
        new object[] { new[] { Old }, new[] { New }, false },
    ];

    [TestCaseSource(nameof(Steps))]
    public async Task Instances_share_while_the_secret_is_replaced(string[] behind, string[] ahead, bool share)
    {
        await using var world = await StartAsync(behind, ahead);
        world.World.Aws.Log.Clear();
        await RoundsAsync(world, Intervals * Interval);

        // One instance asks up to 5 times in 3 intervals.
        var requests = world.World.Aws.Log.Requests.Count;
        Assert.That(requests <= Tenants.Length * 6, Is.EqualTo(share), $"{requests} requests");
    }

    [TestCaseSource(nameof(Steps))]
    public async Task Invalidate_reaches_instances_at_another_step(string[] behind, string[] ahead, bool share)
    {
        foreach (var (from, to) in ((int, int)[])[(0, 1), (1, 0)])
        {
            await using var world = await StartAsync(behind, ahead);
            var asked = 0;
            world.Instances[to].Store.Any = _ =>
            {
                asked++;
                return world.World.Settings(ByokCredentialSettings.AccessKeysType);
            };
            Assert.That(await world.Instances[from].Rings.InvalidateAsync(Tenants[0]), Is.True);

            await RoundsAsync(world, Interval);

            Assert.That(asked, Is.EqualTo(share ? 1 : 0));
        }
    }

    private static async Task<FleetWorld> StartAsync(params string[][] secrets)
    {
        var world = await FleetWorld.StartAsync(0);
        foreach (var own in secrets)
        {
            world.Instances.Add(new FleetInstance(
                world,
                clockError: default,
                static o => o.DataKeyCache.MaxAge = TimeSpan.FromHours(1),
                own,
                ByokCredentialSettings.AccessKeysType,
                isShared: true));
        }

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
}
