using Scalr.Byok.Kms.Mutants;

// Mutation testing. README.md of this folder says how to use it; run.sh calls it.
// cover <folder>: finds out which test class reaches which mutant.
// list <folder> <seed> <count>: the sample.
// run <folder> <seed> <count> [id ...]: tests the mutants of the sample that have no result yet, or the ones that are named.
// count <folder> <seed> <count>: the results of the sample.
// batch <folder> <id ...>, alone <folder> <id>: tests mutants in this process; called by "run".
switch (args)
{
    case ["cover", var folder]:
        new MutationRun(folder, []).Cover();
        return 0;
    case [("batch" or "alone") and var command, var folder, .. var ids]:
        Create(folder, seed: "").Run.TestHere([.. ids.Select(int.Parse)], isAlone: command == "alone");
        return 0;
    case [("list" or "run" or "count") and var command, var folder, var seed, var count, .. var ids]:
        var (run, mutants) = Create(folder, seed);
        var sample = mutants[..Math.Min(int.Parse(count, null), mutants.Count)];
        switch (command)
        {
            case "list":
                sample.ForEach(Console.WriteLine);
                Console.WriteLine($"{sample.Count} of {mutants.Count} mutants");
                break;
            case "run":
                run.Test(sample, [.. ids.Select(int.Parse)]);
                break;
            default:
                run.Count(sample);
                break;
        }

        return 0;
    default:
        Console.Error.WriteLine("README.md of this folder explains the commands.");
        return 2;
}

static (MutationRun Run, List<Mutant> Mutants) Create(string folder, string seed)
{
    var mutants = Mutant.ReadAll(Path.Combine(folder, "mutation-report.json"), seed);
    return (new MutationRun(folder, mutants), mutants);
}
