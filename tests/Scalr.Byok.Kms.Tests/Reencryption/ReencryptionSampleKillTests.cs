using Reencryption;
using static Scalr.Byok.Kms.Tests.Reencryption.SampleRuns;

namespace Scalr.Byok.Kms.Tests.Reencryption;

/// <summary>samples/Reencryption with many values. A fixture of its own, so that it runs beside the other runs.</summary>
[Category("Slow")]
[CancelAfter(600_000)]
internal sealed class ReencryptionSampleKillTests
{
#if DEBUG
    private const int Values = 6_000;
    private const int Kills = 2;
#else
    private const int Values = 100_000;
    private const int Kills = 3;
#endif
    private const int Damaged = 10;

    [Test]
    public async Task Many_values_move_but_for_damaged_ones_although_the_process_is_killed_again_and_again_and_AWS_throttles_half()
    {
        const int Rows = Values / 2; // each with two values
        var result = await RunAsync(new()
        {
            Rows = Rows,
            DamagedRows = Damaged,
            Throttled = 0.5, // each process opens the data keys again
            KillAfter = TimeSpan.Zero,
            KillAfterValues = Values / 10,
            WaitAfterValues = Values / 5,
            MaxKills = Kills,
            Settings = new Dictionary<string, string> { ["Byok:ConfirmationInterval"] = "00:00:01", ["Moves:MaxRetryDelay"] = "00:00:01" },
        });

        DemandNoHarm(result);
        Assert.That(
            result.Quarantined.Select(value => (value.Column, Guid.Parse(value.Key), value.Reason)),
            Is.EquivalentTo(result.Damaged.Select(id => ("variables.value", id, ReencryptionQuarantineReason.NotAuthentic))));
        Assert.That(result.Damaged, Has.Count.EqualTo(Damaged));
        var (names, values) = (result.Counts["variables.name"], result.Counts["variables.value"]);
        Assert.That((names.Total, names.Remaining), Is.EqualTo((Rows, 0)));
        Assert.That((values.Total, values.Remaining, values.ByKey[result.OldKey]), Is.EqualTo((Rows, Damaged, Damaged)));
        Assert.That(
            result.Moves.Where(move => move.Status != MoveStatus.Finished).Select(move => (move.Column, move.Status)),
            Is.EqualTo((List<(string, MoveStatus)>)[("variables.value", MoveStatus.NeedsAttention)]));
        Assert.That(result.Kills, Is.EqualTo(Kills));
    }
}
