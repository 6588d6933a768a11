using LocalAws;
using static Scalr.Byok.Kms.Tests.KeyUse.KeyUseWorld;

namespace Scalr.Byok.Kms.Tests.KeyUse;

/// <summary>
/// A multi-Region key: the replica keeps every use going, and its denial counts only if it accepted something since the primary last
/// answered.
/// </summary>
[CancelAfter(120_000)]
[Category("Slow")]
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

    [Test]
    public async Task A_look_at_the_disabled_primary_ends_nothing_where_the_host_fails_over()
    {
        await using var world = await StartAsync("AccessKeys", o => o.FailoverOnRevokedReplica = true, hasReplica: true);
        var use = await world.StartUseAsync(UseKind.DecryptMessage);
        world.World.Key.Disable();

        await world.Ring.ProbeAsync();

        await use.OnceAsync();
    }

    [Test]
    public async Task Revoked_sessions_of_both_Regions_are_replaced_where_the_host_fails_over()
    {
        await using var world = await StartAsync("AssumeRole", Configure, hasReplica: true);
        var use = await world.StartUseAsync(UseKind.DecryptMessage);
        world.World.Key.Disable();
        await world.PassAsync(Interval + Second);
        await use.OnceAsync(); // the replica serves under a session of its own
        world.World.Key.Enable();
        await world.PassAsync(Interval + Second);
        world.World.AssumedRole.RevokeSessions();
        await world.PassAsync(Interval + Second);

        await use.OnceAsync();

        static void Configure(ByokOptions options) =>
            (options.FailoverOnRevokedReplica, options.RoleCheckInterval) = (true, TimeSpan.FromMinutes(30));
    }

    [Test]
    public async Task A_replica_that_throttles_ends_the_grace_of_an_outage()
    {
        await using var world = await StartAsync("AccessKeys", o => o.DataKeyCache.OutageGrace = MaxAge, hasReplica: true);
        var use = await world.StartUseAsync(UseKind.DecryptMessage);
        world.Aws.Faults.Add(Fault.Error("InternalFailure", 500) with { Service = "kms", Region = Home });
        world.Aws.Faults.Add(Fault.Error("ThrottlingException", 400) with { Service = "kms", Region = Away });

        await world.PassAsync(MaxAge + Second);

        await Assert.ThrowsAsync<ByokServiceException>(use.AtOnceAsync);
    }

    [Test]
    public async Task A_denial_by_the_primary_stands_although_it_is_out_and_the_replica_accepts()
    {
        await using var world = await StartAsync("AccessKeys", hasReplica: true);
        world.World.Key.Disable();
        await Assert.ThrowsAsync<ByokKeyUnavailableException>(async () => await world.Ring.EncryptAsync(new byte[10], Context));
        LoseHome(world);
        await world.PassAsync(2 * Second);

        var denial = await Assert.ThrowsAsync<ByokKeyUnavailableException>(
            async () => await world.Ring.EncryptAsync(new byte[10], Context));

        Assert.That(denial!.Reason, Is.EqualTo(ByokKeyUnavailableReason.KeyDisabled));
    }

    /// <summary>
    /// The primary Region is out. LocalAws cannot tell the Region of an OIDC call of AWS STS, which has no signature: there, only AWS KMS
    /// is out.
    /// </summary>
    private static void LoseHome(KeyUseWorld world) =>
        world.Aws.Faults.Add(Fault.Error("InternalFailure", 500) with { Region = Home, Service = world.Type == "Oidc" ? "kms" : null });
}
