using Reencryption;
using Reencryption.Demo;

namespace Scalr.Byok.Kms.Tests.Reencryption;

/// <summary>Runs samples/Reencryption, and demands what must hold after each run.</summary>
internal static class SampleRuns
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(5);

    public static Task<DemoResult> RunAsync(DemoOptions options)
    {
        var settings = new Dictionary<string, string>(options.Settings) { ["Moves:PollInterval"] = "00:00:00.2" };
        return Demonstration.RunAsync(options with
        {
            Settings = settings,
            WritePause = TimeSpan.FromMilliseconds(100), // most of the processor is for others; a run still has hundreds of writes
            ReadPause = 10,
            Limit = Limit,
        });
    }

    public static void DemandAllMoved(DemoResult result, int rows)
    {
        DemandNoHarm(result);
        Assert.That(result.Moves.Select(move => move.Status), Is.All.EqualTo(MoveStatus.Finished));
        foreach (var column in (string[])["variables.name", "variables.value"])
        {
            var count = result.Counts[column];
            Assert.That((count.Total, count.Remaining, count.ByKey.GetValueOrDefault(result.OldKey)), Is.EqualTo((rows, 0, 0)), column);
        }

        Assert.That(result.Quarantined, Is.Empty);
    }

    public static void DemandNoHarm(DemoResult result)
    {
        Assert.That(result.WrongReads, Is.Empty);
        Assert.That(result.LostUpdates, Is.Zero);
        Assert.That(result.Writes, Is.Positive, "the writers have worked meanwhile");
        Assert.That(result.Reads, Is.Positive, "the reader has worked meanwhile");
    }
}
