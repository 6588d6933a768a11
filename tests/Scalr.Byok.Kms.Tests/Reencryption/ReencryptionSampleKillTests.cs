using static Scalr.Byok.Kms.Tests.Reencryption.SampleRuns;

namespace Scalr.Byok.Kms.Tests.Reencryption;

/// <summary>samples/Reencryption with many values. A fixture of its own, so that it runs beside the other runs.</summary>
[Category("Slow")]
[CancelAfter(600_000)]
internal sealed class ReencryptionSampleKillTests
{
#if DEBUG
    private const int Values = 10_000;
#else
    private const int Values = 100_000;
#endif

    [Test]
    public async Task Many_values_move_although_the_process_is_killed_again_and_again()
    {
        const int Rows = Values / 2; // each with two values
        var result = await RunAsync(new() { Rows = Rows, KillAfter = TimeSpan.Zero, KillAfterValues = Values / 10, MaxKills = 3 });

        DemandAllMoved(result, Rows);
        Assert.That(result.Kills, Is.GreaterThanOrEqualTo(2));
    }
}
