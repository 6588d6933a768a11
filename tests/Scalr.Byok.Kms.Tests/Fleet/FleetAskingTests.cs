using LocalAws;
using Scalr.Byok.Kms.Tests.World;
using static Scalr.Byok.Kms.Tests.KeyUse.KeyUseWorld;

namespace Scalr.Byok.Kms.Tests.Fleet;

/// <summary>An instance asks AWS KMS, and gets no answer for a while. Other instances wait for it only as long as they have time.</summary>
[CancelAfter(120_000)]
internal sealed class FleetAskingTests
{
    private const string Tenant = "tenant-0";

    [Test]
    public async Task A_use_that_lacks_its_facts_does_not_wait_for_another_instance()
    {
        await using var world = await FleetWorld.StartAsync(2);
        var (first, second) = (world.Instances[0], world.Instances[1]);
        var message = await (await first.Rings.GetKeyRingAsync(Tenant)).EncryptAsync(new byte[10]);
        foreach (var instance in world.Instances)
        {
            Assert.That(await instance.TryAsync(Tenant, message), Is.Null);
        }

        await world.SettleAsync();
        world.World.Aws.Faults.Add(Fault.BlackHole() with { Operation = "Decrypt", Times = 1 });
        world.World.Time.Advance(Interval - Second);
        Assert.That(await first.TryAsync(Tenant, message), Is.Null, "its facts are still fresh, so it asks in the background");
        await world.World.ReceivedAsync("Decrypt", 3);
        await ByokWorld.UntilAsync(
            () => world.Cache.Entries.Any(entry => entry.Key.StartsWith("byok:1:6:", StringComparison.Ordinal)), "it did not say so");

        world.World.Time.Advance(1.5 * Second);

        Assert.That(await second.TryAsync(Tenant, message), Is.Null, "its facts have expired, so it asks too");
        Assert.That(world.World.Aws.Log.Count("Decrypt"), Is.EqualTo(4));
    }
}
