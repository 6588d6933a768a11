using static Scalr.Byok.Kms.Tests.KeyUse.KeyUseWorld;

namespace Scalr.Byok.Kms.Tests.KeyUse;

/// <summary>
/// AWS answers, and the customer takes access away: no use begins later than the interval after that, however the ring is used.
/// </summary>
[CancelAfter(120_000)]
[Category("Slow")]
internal sealed class RevocationTests
{
    private static readonly UseKind[] Kinds = Enum.GetValues<UseKind>();
    private static readonly UseKind[] Reads =
        [UseKind.DecryptMessage, UseKind.OpenDataKey, UseKind.DecryptValue, UseKind.DecryptStream, UseKind.DecryptPipe];
    private static readonly string[] Types = World.ByokWorld.CredentialTypes;

    public static IEnumerable<TestCaseData> Disables() =>
        from type in Types
        from kind in Kinds
        from schedule in (Schedule[])[Busy(kind, Interval), Schedule.Idle(Interval), Schedule.Bursty(Interval), Schedule.OnTheDot(Interval)]
        where type == Types[0] || schedule.Name is "busy" or "idle"
        select Case(type, kind, schedule);

    public static IEnumerable<TestCaseData> Deactivations() =>
        from kind in Kinds
        from schedule in (Schedule[])[Busy(kind, Interval), Schedule.Idle(Interval)]
        select Case(Types[0], kind, schedule);

    public static IEnumerable<TestCaseData> ReadRemovals() =>
        from type in Types
        from kind in Reads
        from schedule in (Schedule[])[Busy(kind, Interval), Schedule.Idle(Interval)]
        select Case(type, kind, schedule);

    public static IEnumerable<TestCaseData> TrustRemovals() =>
        from type in Roles
        from kind in Kinds
        from schedule in (Schedule[])[Schedule.Busy(RoleCheck, 10), Schedule.Idle(RoleCheck), Schedule.OnTheDot(RoleCheck)]
        select Case(type, kind, schedule);

    [TestCaseSource(nameof(Disables))]
    public async Task Disabling_the_key_ends_every_use(string type, UseKind kind, Schedule schedule)
    {
        await using var world = await StartAsync(type);
        var use = await world.StartUseAsync(kind);

        await world.DemandEndAsync(use, schedule, world.World.Key.Disable, Interval, ByokKeyUnavailableReason.KeyDisabled);
    }

    [TestCaseSource(nameof(Deactivations))]
    public async Task Scheduling_the_deletion_of_the_key_ends_every_use(string type, UseKind kind, Schedule schedule)
    {
        await using var world = await StartAsync(type);
        var use = await world.StartUseAsync(kind);

        await world.DemandEndAsync(
            use, schedule, () => world.World.Key.ScheduleDeletion(), Interval, ByokKeyUnavailableReason.KeyPendingDeletion);
    }

    [TestCaseSource(nameof(Deactivations))]
    public async Task Deactivating_the_access_key_ends_every_use(string type, UseKind kind, Schedule schedule)
    {
        await using var world = await StartAsync(type);
        var use = await world.StartUseAsync(kind);

        await world.DemandEndAsync(
            use, schedule, () => world.World.AccessKey.Active = false, Interval, ByokKeyUnavailableReason.CredentialsRejected);
    }

    [TestCaseSource(nameof(ReadRemovals))]
    public async Task Removing_the_permission_to_decrypt_ends_reading(string type, UseKind kind, Schedule schedule)
    {
        await using var world = await StartAsync(type);
        var use = await world.StartUseAsync(kind);

        await world.DemandEndAsync(
            use, schedule, () => world.Allow("kms:Encrypt", "kms:DescribeKey"), Interval, ByokKeyUnavailableReason.AccessDenied);
    }

    [Test]
    public async Task Removing_the_permission_to_decrypt_leaves_encryption_alone(
        [ValueSource(nameof(Types))] string type, [Values(UseKind.EncryptMessage, UseKind.EncryptStream, UseKind.EncryptPipe)] UseKind kind)
    {
        await using var world = await StartAsync(type);
        var use = await world.StartUseAsync(kind);
        var read = await world.StartUseAsync(UseKind.DecryptMessage);
        world.Allow("kms:Encrypt", "kms:DescribeKey");
        await world.PassAsync(Interval);
        Assert.That(await read.TryAsync(), Is.Not.Null, "reading is denied");

        await world.DemandUseAsync(2 * MaxAge, TimeSpan.FromSeconds(10), use);

        Assert.That(await read.TryAsync(), Is.Not.Null, "reading is still denied");
    }

    [TestCaseSource(nameof(TrustRemovals))]
    public async Task Removing_the_trust_of_the_role_ends_every_use(string type, UseKind kind, Schedule schedule)
    {
        await using var world = await StartAsync(type, o => o.DataKeyCache.MaxAge = TimeSpan.FromHours(1));
        var use = await world.StartUseAsync(kind);

        await world.DemandEndAsync(use, schedule, world.RemoveTrust, RoleCheck, ByokKeyUnavailableReason.RoleNotAssumable);
    }

    [Test]
    public async Task Enabling_the_key_again_is_seen_within_one_pause([ValueSource(nameof(Kinds))] UseKind kind)
    {
        await using var world = await StartAsync(Types[0]);
        var use = await world.StartUseAsync(kind);
        world.World.Key.Disable();
        await world.PassAsync(Interval);
        Assert.That((await use.TryAsync())?.Reason, Is.EqualTo(ByokKeyUnavailableReason.KeyDisabled));
        world.World.Key.Enable();

        await world.PassAsync(Second);

        var again = await world.StartUseAsync(kind);
        await again.OnceAsync();
        var staysEnded = use.IsStream || use.IsSynchronous; // streams and open data keys
        Assert.That(await use.TryAsync() is not null, Is.EqualTo(staysEnded));
    }

    private static Schedule Busy(UseKind kind, TimeSpan limit) =>
        Schedule.Busy(limit, kind.IsStream() ? 5 : 1);

    private static TestCaseData Case(string type, UseKind kind, Schedule schedule) =>
        new TestCaseData(type, kind, schedule).SetArgDisplayNames(type, kind.ToString(), schedule.Name);
}
