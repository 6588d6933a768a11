using CsCheck;

namespace Scalr.Byok.Kms.Tests.KeyUse;

/// <summary>Random sequences of uses, time steps, denials and outages against the reference.</summary>
[NonParallelizable]
[Category("Slow")]
[Explicit("Not yet part of the gate.")]
internal sealed class ModelTests
{
    private const int LongestSequence = 80;

    private static readonly Gen<ModelSetup> GenSetup = Gen.Select(
        Gen.Bool, Gen.Bool, Gen.Bool, Gen.Frequency((4, Gen.Const(false)), (1, Gen.Const(true))), Gen.Int[0, ModelSetup.SetCount - 1],
        static (role, replica, previous, failsOver, times) => new ModelSetup(role, replica, previous, failsOver, times));

    [Test]
    public void The_library_serves_only_where_the_rules_allow_it_and_always_where_they_demand_it()
    {
        var target = int.TryParse(Environment.GetEnvironmentVariable("BYOK_MODEL_STEPS"), out var steps) ? steps : 100_000;
        var (done, sequences, isFound) = (0, 0, false);
        var start = TimeProvider.System.GetTimestamp();
        Gen.Select(GenSetup, ModelStep.Gen.Array[1, LongestSequence]).Sample(
            (setup, sequence) =>
            {
                // The first difference ends the search: the run shortens its sequence, which CsCheck need not do once more.
                var difference = isFound ? null : ModelRun.FindDifference(setup, sequence);
                (done, sequences) = isFound ? (done, sequences) : (done + sequence.Length, sequences + 1);
                if (difference is not null)
                {
                    isFound = true;
                    throw new ModelException(difference);
                }
            },
            iter: target * 2 / LongestSequence,
            threads: 1,
            seed: Environment.GetEnvironmentVariable("BYOK_MODEL_SEED"),
            print: static sample => $"{sample.Item2.Length} steps, shortened below");
        TestContext.Out.WriteLine($"{done} steps in {sequences} sequences, {TimeProvider.System.GetElapsedTime(start).TotalSeconds:0} s");
    }
}
