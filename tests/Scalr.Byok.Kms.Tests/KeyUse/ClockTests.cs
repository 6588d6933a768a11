using static Scalr.Byok.Kms.Tests.KeyUse.KeyUseWorld;

namespace Scalr.Byok.Kms.Tests.KeyUse;

/// <summary>
/// The machine was suspended, or its wall clock was set: ages count as if the time had passed, by the clock that shows more.
/// </summary>
[CancelAfter(120_000)]
[Category("Slow")]
internal sealed class ClockTests
{
    private static readonly TimeSpan Hour = TimeSpan.FromHours(1);
    private static readonly UseKind[] Kinds = Enum.GetValues<UseKind>();

    /// <summary>Each takes a time that one of the clocks shows afterwards.</summary>
    public static IEnumerable<TestCaseData> Ways() =>
        from kind in Kinds
        from way in ((string Name, Func<KeyUseWorld, TimeSpan, Task> Pass)[])
        [
            ("suspended", (world, time) => Done(() => world.Clocks.Suspend(time))),
            ("wall clock set forward", (world, time) => Done(() => world.Clocks.AdvanceWall(time))),
            ("wall clock set back", async (world, time) =>
            {
                world.Clocks.AdvanceWall(-Hour);
                await world.PassAsync(time);
            }),
            ("half suspended, half awake", async (world, time) =>
            {
                world.Clocks.Suspend(time / 2);
                await world.PassAsync(time / 2);
            }),
        ]
        select new TestCaseData(kind, way.Pass).SetArgDisplayNames(kind.ToString(), way.Name);

    [TestCaseSource(nameof(Ways))]
    public async Task Using_a_disabled_key_is_denied_after_the_interval_by_either_clock(
        UseKind kind, Func<KeyUseWorld, TimeSpan, Task> pass)
    {
        await using var world = await StartAsync("AccessKeys");
        var use = await world.StartUseAsync(kind);
        world.World.Key.Disable();

        await pass(world, Interval);

        Assert.That((await use.TryAsync())?.Reason, Is.EqualTo(ByokKeyUnavailableReason.KeyDisabled));
    }

    [TestCaseSource(nameof(Ways))]
    public async Task Using_a_key_in_an_outage_ends_after_MaxAge_by_either_clock(UseKind kind, Func<KeyUseWorld, TimeSpan, Task> pass)
    {
        await using var world = await StartAsync("AccessKeys");
        var use = await world.StartUseAsync(kind);
        world.BreakKms();

        await pass(world, MaxAge);

        await Assert.ThrowsAsync<ByokServiceException>(use.AtOnceAsync);
        await world.SettleAsync();
        await Assert.ThrowsAsync<ByokServiceException>(use.AtOnceAsync);
    }

    [TestCaseSource(nameof(Ways))]
    public async Task Using_a_role_without_trust_is_denied_after_its_interval_by_either_clock(
        UseKind kind, Func<KeyUseWorld, TimeSpan, Task> pass)
    {
        await using var world = await StartAsync("AssumeRole", o => o.DataKeyCache.MaxAge = Hour);
        var use = await world.StartUseAsync(kind);
        world.RemoveTrust();

        await pass(world, RoleCheck);

        Assert.That((await use.TryAsync())?.Reason, Is.EqualTo(ByokKeyUnavailableReason.RoleNotAssumable));
    }

    [TestCaseSource(nameof(Ways))]
    public async Task Using_a_key_that_AWS_accepts_goes_on_whatever_the_clocks_did(UseKind kind, Func<KeyUseWorld, TimeSpan, Task> pass)
    {
        await using var world = await StartAsync("AssumeRole");
        var use = await world.StartUseAsync(kind);

        await pass(world, 2 * Interval);

        await use.OnceAsync();
        await world.DemandUseAsync(2 * Interval, TimeSpan.FromSeconds(10), use);
    }

    private static Task Done(Action action)
    {
        action();
        return Task.CompletedTask;
    }
}
