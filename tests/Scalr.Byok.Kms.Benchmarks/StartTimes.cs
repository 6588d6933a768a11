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
    private const string Library = "Scalr.Byok.Kms.dll";

    /// <param name="file">
    /// A published Scalr.Byok.Kms.Starter, for example as Native AOT; or the library as the package has it for this platform, which is then
    /// measured beside the one that was built; or null.
    /// </param>
    public static async Task RunAsync(string? file)
    {
        using var copy = Path.GetFileName(file) == Library ? new StarterCopy(file!) : null;
        var usual = copy is null && file is not null ? file : Path.Combine(AppContext.BaseDirectory, StarterCopy.FileName);
        List<(string Name, string What, string Starter)> cases =
            [("runtime", "runtime", usual), ("sdk", "sdk", usual), ("library", "library", usual)];
        if (copy is not null)
        {
            cases.Add(("library of the package", "library", copy.Starter));
        }

        await using var customer = await DemoCustomer.StartAsync();
        var measured = cases.ToDictionary(each => each.Name, _ => new List<(double Wall, double Cpu)>());

        // The first round is not counted: the local AWS compiles its code then.
        for (var round = 0; round <= Rounds; round++)
        {
            foreach (var (name, what, starter) in cases)
            {
                var time = await MeasureAsync(starter, what, customer);
                if (round > 0)
                {
                    measured[name].Add(time);
                }
            }
        }

        Console.WriteLine("| to the first encrypted byte | time | range | processor time | range |");
        Console.WriteLine("|---|---:|---:|---:|---:|");
        foreach (var (name, _, _) in cases)
        {
            var times = measured[name];
            Console.WriteLine($"| {name} | {Text(times.Select(each => each.Wall))} | {Text(times.Select(each => each.Cpu))} |");
        }
    }

    private static async Task<(double Wall, double Cpu)> MeasureAsync(string starter, string what, DemoCustomer customer)
    {
        var isAssembly = Path.GetExtension(starter) == ".dll";
        ProcessStartInfo start = new(isAssembly ? "dotnet" : starter) { RedirectStandardOutput = true };
        if (isAssembly)
        {
            start.ArgumentList.Add(starter);
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

    /// <summary>The files beside this program, with another assembly of the library.</summary>
    private sealed class StarterCopy : IDisposable
    {
        public const string FileName = "Scalr.Byok.Kms.Starter.dll";

        private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("byok-start-");

        public StarterCopy(string library)
        {
            foreach (var file in Directory.EnumerateFiles(AppContext.BaseDirectory))
            {
                File.Copy(file, Path.Combine(_folder.FullName, Path.GetFileName(file)));
            }

            File.Copy(library, Path.Combine(_folder.FullName, Library), overwrite: true);
        }

        public string Starter => Path.Combine(_folder.FullName, FileName);

        public void Dispose() => _folder.Delete(recursive: true);
    }
}
