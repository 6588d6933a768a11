using Reencryption.Demo;
using Scalr.Byok.Kms.Tests.Columns;
using static Scalr.Byok.Kms.Tests.Reencryption.SampleRuns;

namespace Scalr.Byok.Kms.Tests.Reencryption;

/// <summary>
/// samples/Reencryption moves values by real processes that are killed, while four writers and a reader go on. Kills and faults come after
/// numbers of moved values, not after times, so that a slow machine changes nothing. Each process costs seconds of the processor to start.
/// </summary>
[Category("Slow")]
[CancelAfter(600_000)]
[Parallelizable(ParallelScope.All)]
internal sealed class ReencryptionSampleTests
{
    private const int Few = 700;

    [Test]
    public async Task Two_processes_at_once_pause_while_the_customer_disables_the_key_and_go_on_afterwards()
    {
        var result = await RunAsync(new()
        {
            Rows = Few,
            Runners = 2,
            DisablesKey = true,
            Settings = new Dictionary<string, string>
            {
                ["Byok:ConfirmationInterval"] = "00:00:02",
                ["Moves:MaxItemsPerSecond"] = "300", // values are left when the processes learn of it
                ["Moves:MaxRetryDelay"] = "00:00:01",
            },
        });

        DemandAllMoved(result, Few);
        Assert.That(result.Pause, Does.Contain("disabled").IgnoreCase);
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
            RestartsKilled = false, // the other process has to go on
            Settings = new Dictionary<string, string> { ["Moves:MaxItemsPerSecond"] = "200" }, // values are left for it
        });

        DemandAllMoved(result, Few);
        Assert.That(result.Kills, Is.EqualTo(1));
    }

    [Test]
    public void A_cluster_of_Quartz_without_PostgreSQL_is_a_clear_error() =>
        Assert.That(
            async () => await Demonstration.RunAsync(new() { Way = Way.Quartz }),
            Throws.ArgumentException.With.Message.Contains("BYOK_POSTGRES"));
}
