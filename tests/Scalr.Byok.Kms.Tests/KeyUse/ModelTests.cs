using CsCheck;

namespace Scalr.Byok.Kms.Tests.KeyUse;

/// <summary>Random sequences of uses, time steps, denials and outages against the reference.</summary>
/// <remarks>
/// The sequences are the same in each run, so that the gate can be repeated.
/// BYOK_MODEL_SEED begins with another seed, or with a new one if it is "random". BYOK_MODEL_STEPS is the number of steps.
/// A failure names the seed of its sequence. The library's own jitter is random in every run.
/// </remarks>
[NonParallelizable]
[Category("Slow")]
internal sealed class ModelTests
{
    private const int LongestSequence = 80;
    private const string Seed = "0VM7NU8PKkB1";

#if DEBUG
    private const int Steps = 5_000;
#else
    private const int Steps = 100_000;
#endif

    private static readonly Gen<ModelSetup> GenSetup = Gen.Select(
        Gen.Bool, Gen.Bool, Gen.Bool, Gen.Frequency((4, Gen.Const(false)), (1, Gen.Const(true))), Gen.Int[0, ModelSetup.SetCount - 1],
        // Not failover with a role: requests of several calls are then interleaved, and the reference cannot tell which denial belongs to
        // which call. RegionTests have it.
        static (role, replica, previous, failsOver, times) => new ModelSetup(role, replica, previous, failsOver && !role, times));

    private static readonly Gen<(ModelSetup Setup, ModelStep[] Steps)> GenCase =
        Gen.Select(GenSetup, ModelStep.Gen.Array[1, LongestSequence], static (setup, steps) => (setup, steps));

    [Test]
    public void The_library_serves_only_where_the_rules_allow_it_and_always_where_they_demand_it()
    {
        var target = int.TryParse(Environment.GetEnvironmentVariable("BYOK_MODEL_STEPS"), out var asked) ? asked : Steps;
        var first = Environment.GetEnvironmentVariable("BYOK_MODEL_SEED") ?? Seed;
        var random = first == "random" ? new PCG((uint)Environment.ProcessId) : PCG.Parse(first);
        var begin = random.ToString();
        var (done, sequences, start) = (0, 0, TimeProvider.System.GetTimestamp());
        for (; done < target; sequences++)
        {
            var seed = random.ToString();
            var (setup, sequence) = GenCase.Generate(random, min: null, out _);
            if (ModelRun.FindDifference(setup, sequence) is { } difference)
            {
                Assert.Fail($"BYOK_MODEL_SEED={seed} shows it, after {done} steps:\n{difference}");
            }

            done += sequence.Length;
        }

        var seconds = TimeProvider.System.GetElapsedTime(start).TotalSeconds;
        TestContext.Out.WriteLine($"BYOK_MODEL_SEED={begin}: {done} steps in {sequences} sequences, {seconds:0} s");
    }
}
