using System.Diagnostics;
using System.Globalization;
using Fleet.Demo;
using Scalr.Byok.Kms.Tests.World;

namespace Scalr.Byok.Kms.Tests.Fleet;

/// <summary>samples/Fleet: real processes, a real Redis, real time.</summary>
[Category("Slow")]
[CancelAfter(180_000)]
internal sealed class FleetSampleTests
{
    [SetUp]
    public void NeedRedis()
    {
        if (!Demonstration.IsRedisInstalled)
        {
            Assert.Ignore("redis-server is not installed.");
        }
    }

    [Test]
    public async Task Processes_that_share_refuse_in_time_although_one_and_Redis_are_killed(CancellationToken cancellationToken)
    {
        var second = TimeSpan.FromSeconds(1);
        var findings = await Demonstration.RunAsync(
            new()
            {
                Processes = 3,
                Tenants = 10,
                CountsRequests = false,
                DisturbsRedis = false,

                // The machine is busy with other tests; the sample itself, which runs alone, has the exact limits. Even so, the limit of a
                // disable is shorter than MaxAge.
                Limits = new()
                {
                    ConfirmationInterval = 4 * second,
                    RoleCheckInterval = 20 * second,
                    MaxAge = 12 * second,
                    Slack = 6 * second,
                },
                Output = TestContext.Out,
            },
            cancellationToken);

        Assert.That(findings, Has.Count.EqualTo(7));
        Assert.That(findings.Where(finding => !finding.IsMet), Is.Empty);
    }

    [Test]
    [Platform("Linux")] // it reads /proc
    public async Task All_processes_and_Redis_end_if_the_sample_is_killed_and_its_folder_is_deleted()
    {
        var program = Path.Combine(AppContext.BaseDirectory, $"{typeof(Demonstration).Assembly.GetName().Name}.dll");
        var folder = Directory.CreateTempSubdirectory("fleet-sample-test-");
        using var sample = ChildProcess.Start(new ProcessStartInfo("dotnet", [program, "--processes", "3", "--tenants", "10"])
        {
            RedirectStandardOutput = true,
            Environment = { ["TMPDIR"] = folder.FullName },
        });
        await ByokWorld.UntilAsync(
            () => DescendantsOf(sample.Id).Count == 7,
            "three instances, Redis, its guard, and the guard of the folder with cat run",
            limit: TimeSpan.FromSeconds(90)); // five processes start beside other tests
        var descendants = DescendantsOf(sample.Id);
        Assert.That(FoldersIn(folder), Has.Length.EqualTo(1));

        sample.Kill();
        await sample.WaitForExitAsync();

        await ByokWorld.UntilAsync(() => descendants.TrueForAll(id => ParentOf(id) is null), "a process has not ended");
        Assert.That(FoldersIn(folder), Is.Empty);
        folder.Delete(recursive: true);
    }

    [TestCase("", 5, 200, null)]
    [TestCase("--tenants 10 --processes 3", 3, 10, null)]
    [TestCase("--redis localhost:6379", 5, 200, "localhost:6379")]
    public void Arguments_are_read(string args, int processes, int tenants, string? redis)
    {
        var options = DemoOptions.TryParse(args.Split(' ', StringSplitOptions.RemoveEmptyEntries));

        Assert.That((options?.Processes, options?.Tenants, options?.Redis), Is.EqualTo((processes, tenants, redis)));
    }

    [Test]
    public void Other_arguments_are_wrong(
        [Values("--help", "--processes", "--processes abc", "--processes 2", "--tenants -10", "--redis", "--other 1", "10")] string args) =>
        Assert.That(DemoOptions.TryParse(args.Split(' ')), Is.Null);

    private static DirectoryInfo[] FoldersIn(DirectoryInfo folder) => folder.GetDirectories("byok-fleet-*");

    private static List<int> DescendantsOf(int process)
    {
        var children = Directory.EnumerateDirectories("/proc").Select(path => Path.GetFileName(path))
            .Where(name => name.All(char.IsAsciiDigit)).Select(name => int.Parse(name, CultureInfo.InvariantCulture))
            .Where(id => ParentOf(id) == process).ToList();
        return [.. children, .. children.SelectMany(DescendantsOf)];
    }

    /// <summary>The parent of a process; null if the process has ended.</summary>
    private static int? ParentOf(int process)
    {
        try
        {
            // After the name, which is in parentheses: the state, and the parent's id. Z is a process that has ended.
            var stat = File.ReadAllText($"/proc/{process}/stat");
            var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
            return fields[0] == "Z" ? null : int.Parse(fields[1], CultureInfo.InvariantCulture);
        }
        catch (IOException)
        {
            return null;
        }
    }
}
