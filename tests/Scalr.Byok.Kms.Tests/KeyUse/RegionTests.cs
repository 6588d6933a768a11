using LocalAws;
using static Scalr.Byok.Kms.Tests.KeyUse.KeyUseWorld;

namespace Scalr.Byok.Kms.Tests.KeyUse;

/// <summary>
/// A multi-Region key: the replica keeps every use going, and its denial counts only if it accepted something since the primary last
/// answered.
/// </summary>
[CancelAfter(120_000)]
internal sealed class RegionTests
{
    private static readonly TimeSpan Step = TimeSpan.FromSeconds(10);
    private static readonly UseKind[] Kinds = Enum.GetValues<UseKind>();

    public static IEnumerable<TestCaseData> Cases() =>
        from type in World.ByokWorld.CredentialTypes
        from kind in Kinds
        where type == "AccessKeys" || kind is UseKind.DecryptMessage or UseKind.EncryptMessage or UseKind.DecryptValue
        select new TestCaseData(type, kind);

    [TestCaseSource(nameof(Cases))]
    public async Task Using_a_key_goes_on_while_the_primary_Region_is_out(string type, UseKind kind)
    {
        await using var world = await StartAsync(type, hasReplica: true);
        var use = await world.StartUseAsync(kind);
        LoseHome(world);

        await world.DemandUseAsync(2 * MaxAge, Step, use);
    }

    [TestCaseSource(nameof(Cases))]
    public async Task Using_a_key_goes_on_until_MaxAge_if_the_replica_was_never_granted(string type, UseKind kind)
    {
        await using var world = await StartAsync(type, hasReplica: true);
        world.Allow("kms:Encrypt", "kms:Decrypt", "kms:DescribeKey"); // on the primary only
        var use = await world.StartUseAsync(kind);
        world.Aws.Faults.Add(Fault.Error("InternalFailure", 500) with { Service = "kms", Region = Home });

        await world.DemandUseAsync(MaxAge - Second, Step, use);
        await world.PassAsync(Second);

        await Assert.ThrowsAsync<ByokServiceException>(use.AtOnceAsync, "an outage is no denial");
        await world.SettleAsync();
        await Assert.ThrowsAsync<ByokServiceException>(use.AtOnceAsync, "an outage is still no denial");
    }

    [TestCaseSource(nameof(Cases))]
    public async Task Disabling_the_replica_that_serves_ends_every_use(string type, UseKind kind)
    {
        await using var world = await StartAsync(type, hasReplica: true);
        var use = await world.StartUseAsync(kind);
        LoseHome(world);

        await world.DemandEndAsync(use, Schedule.Busy(Interval, 5), world.Replica!.Disable, Interval, ByokKeyUnavailableReason.KeyDisabled);
    }

    [Test]
    public async Task Disabling_the_primary_alone_ends_every_use([ValueSource(nameof(Kinds))] UseKind kind)
    {
        await using var world = await StartAsync("AccessKeys", hasReplica: true);
        var use = await world.StartUseAsync(kind);

        await world.DemandEndAsync(
            use, Schedule.Busy(Interval, 5), world.World.Key.Disable, Interval, ByokKeyUnavailableReason.KeyDisabled);
    }

    [Test]
    public async Task Disabling_the_primary_alone_ends_nothing_where_the_host_fails_over([ValueSource(nameof(Kinds))] UseKind kind)
    {
        await using var world = await StartAsync("AccessKeys", o => o.FailoverOnRevokedReplica = true, hasReplica: true);
        var use = await world.StartUseAsync(kind);
        world.World.Key.Disable();

        await world.DemandUseAsync(2 * MaxAge, Step, use);

        world.Replica!.Disable();
        await world.PassAsync(Interval);
        Assert.That((await use.TryAsync())?.Reason, Is.EqualTo(ByokKeyUnavailableReason.KeyDisabled), "both deny");
    }

    /// <summary>
    /// The primary Region is out. LocalAws cannot tell the Region of an OIDC call of AWS STS, which has no signature: there, only AWS KMS
    /// is out.
    /// </summary>
    private static void LoseHome(KeyUseWorld world) =>
        world.Aws.Faults.Add(Fault.Error("InternalFailure", 500) with { Region = Home, Service = world.Type == "Oidc" ? "kms" : null });
}
