using System.Diagnostics;
using System.Globalization;

namespace Scalr.Byok.Kms.Mutants;

/// <summary>Tests mutants. Everything is kept in one folder, so that a run can be continued.</summary>
internal sealed class MutationRun
{
    private const string Tests = "Scalr.Byok.Kms.Tests";

    /// <summary>The tests that are used. The others test samples, documentation and message bytes.</summary>
    private static readonly string[] TestFolders =
    [
        "Audit", "Credentials", "DataKeys", "DependencyInjection", "Diagnostics", "Errors", "Events", "Faults", "Fleet", "Health",
        "KeyRing", "KeyUse", "Kms", "Resilience", "Settings", "Verification",
    ];

    /// <summary>Tests that take minutes.</summary>
    private static readonly string[] SlowClasses =
        ["KeyUse.ModelTests", "KeyUse.RaceTests", "Faults.SessionBucketTests", "Fleet.FleetSampleTests", "KeyRing.ManyTenantsTests"];

    private const string Undecided = "undecided";

    /// <summary>How long the classes that judge a mutant usually take together. What is left after that is undecided.</summary>
    private static readonly double Limit = Environment.GetEnvironmentVariable("BYOK_MUTANTS_SECONDS") is { Length: > 0 } text
        ? double.Parse(text, CultureInfo.InvariantCulture)
        : double.PositiveInfinity;

    private readonly string _folder;
    private readonly List<Mutant> _mutants;

    public MutationRun(string folder, List<Mutant> mutants) => (_folder, _mutants) = (Path.GetFullPath(folder), mutants);

    /// <summary>The usual time of each test.</summary>
    private string Times => Path.Combine(_folder, "times.tsv");

    private string Results => Path.Combine(_folder, "results.tsv");

    /// <summary>Tests that fail without a mutant: they prove nothing.</summary>
    private string Failing => Path.Combine(_folder, "failing.txt");

    /// <summary>Mutants that a static initializer reaches. It runs once in a process.</summary>
    private string Static => Path.Combine(_folder, "static.txt");

    private string Coverage => Path.Combine(_folder, "coverage");

    /// <summary>Runs each test class once, and notes the mutants that it reaches. Classes that have been run are left out.</summary>
    public void Cover()
    {
        Directory.CreateDirectory(Coverage);
        TestRun run = new([], new Dictionary<string, double>());
        foreach (var name in run.FindClasses().Where(IsUsed).ToList())
        {
            var done = Path.Combine(Coverage, $"{name}.txt");
            if (File.Exists(done))
            {
                continue;
            }

            WaitForTurn();
            var start = Stopwatch.GetTimestamp();
            var (reached, atStart, passed, failed) = run.Cover(name);
            File.AppendAllLines(Times, passed);
            File.AppendAllLines(Failing, failed);
            File.AppendAllLines(Static, atStart.Select(id => $"{id}"));
            File.WriteAllLines(done, reached.Select(id => $"{id}"));
            Console.WriteLine($"{Seconds(start)} s, {reached.Count()} mutants: {name}; {failed.Count()} tests fail without a mutant");
        }

        Environment.Exit(0); // whatever a test left behind
    }

    /// <summary>Tests mutants in processes that each go on until one hangs.</summary>
    /// <param name="sample">The sample; those without a result are tested.</param>
    /// <param name="chosen">Numbers of mutants to test instead; empty for none.</param>
    public void Test(List<Mutant> sample, int[] chosen)
    {
        var mutants = chosen.Length > 0 ? [.. _mutants.Where(mutant => chosen.Contains(mutant.Id))] : sample;
        var done = ReadResults();
        var isAtStart = ReadStatic();
        var left = mutants.Where(mutant => chosen.Length > 0 || !IsDone(mutant.Id)).Select(mutant => mutant.Id).ToList();
        foreach (var alone in left.Where(isAtStart.Contains).ToList())
        {
            left.Remove(alone);
            RunHere([alone], isAlone: true);
        }

        while (left.Count > 0)
        {
            var before = File.Exists(Results) ? File.ReadLines(Results).Count() : 0;
            RunHere(left, isAlone: false);
            foreach (var fields in File.ReadLines(Results).Skip(before).Select(line => line.Split('\t')).ToList())
            {
                var id = int.Parse(fields[0], null);
                var isOwn = left.Remove(id); // other processes may write results too
                if (isOwn && fields[1] == "hangs")
                {
                    RunHere([id], isAlone: true); // it counts only if it hangs alone, too
                }
            }
        }

        Count(sample);

        bool IsDone(int id) => done.TryGetValue(id, out var status) && (status != Undecided || double.IsFinite(Limit));
    }

    /// <summary>Tests mutants in this process.</summary>
    public void TestHere(int[] ids, bool isAlone)
    {
        var reach = Directory.GetFiles(Coverage, "*.txt")
            .ToDictionary(file => Path.GetFileNameWithoutExtension(file), file => File.ReadLines(file).Select(int.Parse).ToHashSet());
        var times = File.ReadLines(Times).Select(line => line.Split('\t')).DistinctBy(fields => fields[0])
            .ToDictionary(fields => fields[0], fields => double.Parse(fields[1], CultureInfo.InvariantCulture));
        var seconds = reach.Keys.ToDictionary(name => name, name => times.Where(pair => IsIn(pair.Key, name)).Sum(pair => pair.Value));
        var isAtStart = ReadStatic();
        TestRun run = new(File.Exists(Failing) ? File.ReadLines(Failing) : [], times);
        foreach (var id in ids)
        {
            WaitForTurn();
            var mutant = _mutants.Single(mutant => mutant.Id == id);
            // A static initializer runs once, in the first class that needs it. Later classes use its result, and are known by the rest of
            // the file.
            HashSet<int> near = isAlone && isAtStart.Contains(id)
                ? [.. _mutants.Where(other => other.File == mutant.File).Select(other => other.Id)]
                : [id];
            var classes = reach.Where(pair => pair.Value.Overlaps(near)).Select(pair => pair.Key)
                .OrderBy(name => name.StartsWith($"{Tests}.{mutant.Folder}.", StringComparison.Ordinal) ? 0 : 1)
                .ThenBy(name => seconds[name]).ToList();
            var sum = 0.0;
            var first = classes.TakeWhile(name => (sum += seconds[name]) <= Limit).ToList();
            var start = Stopwatch.GetTimestamp();
            run.Hangs = test => Note(mutant, isAlone ? "timed out" : "hangs", test, start);
            var (status, killer) = classes.Count == 0 ? ("not reached", "") : run.Judge(id, first);
            Note(mutant, status == "survived" && first.Count < classes.Count ? Undecided : status, killer, start);
        }

        Environment.Exit(0);
    }

    public void Count(List<Mutant> sample)
    {
        var results = ReadResults();
        foreach (var group in sample.GroupBy(mutant => results.GetValueOrDefault(mutant.Id, "not tested")))
        {
            Console.WriteLine($"{group.Key}: {group.Count()}");
            if (group.Key != "killed")
            {
                group.ToList().ForEach(mutant => Console.WriteLine($"  {mutant}"));
            }
        }
    }

    private static bool IsUsed(string name) => TestFolders.Any(folder => name.StartsWith($"{Tests}.{folder}.", StringComparison.Ordinal))
        && !SlowClasses.Any(slow => name.EndsWith($".{slow}", StringComparison.Ordinal));

    private static bool IsIn(string test, string name) =>
        test.StartsWith(name, StringComparison.Ordinal) && test.Length > name.Length && test[name.Length] is '.' or '(';

    private static string Seconds(long start) => Stopwatch.GetElapsedTime(start).TotalSeconds.ToString("0.0", CultureInfo.InvariantCulture);

    /// <summary>Other work may hold this one up between two mutants, by a file.</summary>
    private static void WaitForTurn()
    {
        while (Environment.GetEnvironmentVariable("BYOK_MUTANTS_PAUSE") is { Length: > 0 } file && File.Exists(file))
        {
            Thread.Sleep(1000);
        }
    }

    private void Note(Mutant mutant, string status, string test, long start)
    {
        File.AppendAllText(Results, $"{mutant.Id}\t{status}\t{test}\t{Seconds(start)}\t{mutant}\n");
        Console.WriteLine($"{status}, {Seconds(start)} s: {mutant} {test}");
    }

    /// <summary>Runs <see cref="TestHere"/> in a process of its own.</summary>
    private void RunHere(List<int> ids, bool isAlone)
    {
        ProcessStartInfo info = new(Environment.ProcessPath!);
        string[] arguments = [typeof(MutationRun).Assembly.Location, isAlone ? "alone" : "batch", _folder, .. ids.Select(id => $"{id}")];
        Array.ForEach(arguments, info.ArgumentList.Add);
        using var process = Process.Start(info)!;
        process.WaitForExit();
        if (process.ExitCode is not (0 or 1))
        {
            // The process has crashed: the mutant under test is the cause.
            var done = ReadResults();
            var crashed = _mutants.Single(mutant => mutant.Id == ids.First(id => ids.Count == 1 || !done.ContainsKey(id)));
            Note(crashed, "killed", $"(the process ended with {process.ExitCode})", Stopwatch.GetTimestamp());
        }
    }

    /// <summary>The last result of each mutant.</summary>
    private Dictionary<int, string> ReadResults() => !File.Exists(Results) ? [] : File.ReadLines(Results).Select(line => line.Split('\t'))
        .GroupBy(fields => int.Parse(fields[0], null)).ToDictionary(group => group.Key, group => group.Last()[1]);

    private HashSet<int> ReadStatic() => File.Exists(Static) ? [.. File.ReadLines(Static).Select(int.Parse)] : [];
}
