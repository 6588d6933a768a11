using System.Diagnostics;
using System.Globalization;
using LocalAws;

namespace Scalr.Byok.Kms.Benchmarks;

/// <summary>
/// From the start of a process to its first encrypted byte: with nothing but .NET, with the bare AWS SDK, and with the library, each
/// against a local AWS in this process. The processes run in turn. Processor time is less noisy than time on a busy machine.
/// </summary>
internal static class StartTimes
{
    private const int Rounds = 15;

    /// <param name="starter">A published Scalr.Byok.Kms.Starter, for example as Native AOT; null for the one that was built.</param>
    public static async Task RunAsync(string? starter)
    {
        await using var customer = await DemoCustomer.StartAsync();
        string[] cases = ["runtime", "sdk", "library"];
        var measured = cases.ToDictionary(what => what, _ => new List<(double Wall, double Cpu)>());

        // The first round is not counted: the local AWS compiles its code then.
        for (var round = 0; round <= Rounds; round++)
        {
            foreach (var what in cases)
            {
                var time = await MeasureAsync(starter, what, customer);
                if (round > 0)
                {
                    measured[what].Add(time);
                }
            }
        }

        Console.WriteLine("| to the first encrypted byte | time | range | processor time | range |");
        Console.WriteLine("|---|---:|---:|---:|---:|");
        foreach (var what in cases)
        {
            var times = measured[what];
            Console.WriteLine($"| {what} | {Text(times.Select(each => each.Wall))} | {Text(times.Select(each => each.Cpu))} |");
        }
    }

    private static async Task<(double Wall, double Cpu)> MeasureAsync(string? starter, string what, DemoCustomer customer)
    {
        ProcessStartInfo start = new(starter ?? "dotnet") { RedirectStandardOutput = true };
        if (starter is null)
        {
            start.ArgumentList.Add(Path.Combine(AppContext.BaseDirectory, "Scalr.Byok.Kms.Starter.dll"));
        }

        foreach (var argument in (string[])[
            what, customer.Aws.Endpoint.AbsoluteUri, customer.Key.Arn, customer.AccessKey.AccessKeyId, customer.AccessKey.SecretAccessKey])
        {
            start.ArgumentList.Add(argument);
        }

        var began = Stopwatch.GetTimestamp();
        using var process = Process.Start(start)!;
        var line = await process.StandardOutput.ReadLineAsync();
        var wall = Stopwatch.GetElapsedTime(began).TotalMilliseconds;
        await process.WaitForExitAsync();
        return process.ExitCode == 0 && line?.Split(' ') is [var cpu, _]
            ? (wall, double.Parse(cpu, CultureInfo.InvariantCulture))
            : throw new InvalidOperationException($"The process \"{what}\" failed.");
    }

    private static string Text(IEnumerable<double> milliseconds)
    {
        var sorted = milliseconds.Order().ToList();
        return string.Create(CultureInfo.InvariantCulture, $"{sorted[sorted.Count / 2]:N0} ms | {sorted[0]:N0} to {sorted[^1]:N0}");
    }
}
