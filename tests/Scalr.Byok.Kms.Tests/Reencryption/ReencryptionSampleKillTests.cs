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

    [Test]
    public async Task Many_values_move_although_the_process_is_killed_again_and_again_and_AWS_throttles_half_of_the_requests()
    {
        const int Rows = Values / 2; // each with two values
        var result = await RunAsync(new()
        {
            Rows = Rows,
            Throttled = 0.5, // each process opens the data keys again
            KillAfter = TimeSpan.Zero,
            KillAfterValues = Values / 10,
            WaitAfterValues = Values / 5,
            MaxKills = Kills,
            Settings = new Dictionary<string, string> { ["Byok:ConfirmationInterval"] = "00:00:01", ["Moves:MaxRetryDelay"] = "00:00:01" },
        });

        DemandAllMoved(result, Rows);
        Assert.That(result.Kills, Is.EqualTo(Kills));
    }
}
