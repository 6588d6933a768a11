using Reencryption;
using Reencryption.Demo;
using Scalr.Byok.Kms.Tests.Columns;
using static Scalr.Byok.Kms.Tests.Reencryption.SampleRuns;

namespace Scalr.Byok.Kms.Tests.Reencryption;

/// <summary>
/// samples/Reencryption moves values by real processes that are killed, while four writers and a reader go on. Kills and faults come after
/// numbers of moved values, not after times, so that a slow machine changes nothing.
/// </summary>
[Category("Slow")]
[CancelAfter(600_000)]
[Parallelizable(ParallelScope.All)]
internal sealed class ReencryptionSampleTests
{
    private const int Few = 2_000;

    [Test]
    public async Task Two_processes_at_once_do_no_harm()
    {
        var result = await RunAsync(new() { Rows = Few, Runners = 2, KillAfter = TimeSpan.Zero, MaxKills = 1 });

        DemandAllMoved(result, Few);
    }

    [Test]
    public async Task A_move_pauses_while_the_customer_disables_the_key_and_goes_on_afterwards()
    {
        var result = await RunAsync(new()
        {
            Rows = Few,
            DisablesKey = true,
            Settings = new Dictionary<string, string>
            {
                ["Byok:ConfirmationInterval"] = "00:00:02",
                ["Moves:MaxItemsPerSecond"] = "400", // values are left when the process learns of it
                ["Moves:MaxRetryDelay"] = "00:00:01",
            },
        });

        DemandAllMoved(result, Few);
        Assert.That(result.Pause, Does.Contain("disabled").IgnoreCase);
    }

    [Test]
    public async Task All_values_move_although_AWS_throttles_half_of_the_requests()
    {
        var result = await RunAsync(new()
        {
            Rows = Few,
            Throttled = 0.5,
            KillAfter = TimeSpan.Zero,
            MaxKills = 1, // the second process opens the data keys again
            Settings = new Dictionary<string, string> { ["Byok:ConfirmationInterval"] = "00:00:01", ["Moves:MaxRetryDelay"] = "00:00:01" },
        });

        DemandAllMoved(result, Few);
    }

    [Test]
    public async Task Damaged_values_are_listed_and_all_others_move()
    {
        const int Damaged = Few / 100;
        var result = await RunAsync(new() { Rows = Few, DamagedRows = Damaged });

        DemandNoHarm(result);
        Assert.That(
            result.Quarantined.Select(value => (value.Column, Guid.Parse(value.Key), value.Reason)),
            Is.EquivalentTo(result.Damaged.Select(id => ("variables.value", id, ReencryptionQuarantineReason.NotAuthentic))));
        Assert.That(result.Damaged, Has.Count.EqualTo(Damaged));
        var count = result.Counts["variables.value"];
        Assert.That((count.Total, count.Remaining, count.ByKey[result.OldKey]), Is.EqualTo((Few, Damaged, Damaged)));
        Assert.That(result.Counts.Where(pair => pair.Key != "variables.value").Sum(pair => pair.Value.Remaining), Is.Zero);
        Assert.That(
            result.Moves.Where(move => move.Status != MoveStatus.Finished).Select(move => (move.Column, move.Status)),
            Is.EqualTo((List<(string, MoveStatus)>)[("variables.value", MoveStatus.NeedsAttention)]));
    }

    [Test]
    public async Task A_cluster_of_Quartz_goes_on_when_a_process_is_killed()
    {
        var result = await RunAsync(new()
        {
            Way = Way.Quartz,
            Postgres = ColumnsWorld.FindPostgres(),
            Rows = Few,
            Runners = 2,
            KillAfter = TimeSpan.Zero,
            MaxKills = 1,
            Settings = new Dictionary<string, string> { ["Moves:MaxItemsPerSecond"] = "400" }, // values are left for the other process
        });

        DemandAllMoved(result, Few);
        Assert.That(result.Kills, Is.GreaterThanOrEqualTo(1));
    }

    [Test]
    public void A_cluster_of_Quartz_without_PostgreSQL_is_a_clear_error() =>
        Assert.That(
            async () => await Demonstration.RunAsync(new() { Way = Way.Quartz }),
            Throws.ArgumentException.With.Message.Contains("BYOK_POSTGRES"));
}
