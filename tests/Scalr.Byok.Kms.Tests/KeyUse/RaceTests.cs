namespace Scalr.Byok.Kms.Tests.KeyUse;

/// <summary>Every operation against disposal, denial, renewal, outage and eviction at the same time.</summary>
[NonParallelizable]
[Category("Slow")]
internal sealed class RaceTests
{
    private const int ValuesPerRound = 60_000;

#if DEBUG
    private const int Values = 3 * ValuesPerRound; // each set of times once
#else
    private const int Values = 2_000_000;
#endif

    /// <summary>After so long no further round begins, unless BYOK_RACE_VALUES asks for a number of values.</summary>
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(35);

    [Test]
    public async Task No_result_is_under_a_wrong_or_erased_key_and_no_plaintext_key_is_left()
    {
        var isAsked = int.TryParse(Environment.GetEnvironmentVariable("BYOK_RACE_VALUES"), out var values);
        var (target, start) = (isAsked ? values : Values, TimeProvider.System.GetTimestamp());
        List<byte[]> keys = [];
        List<string> faults = [];
        var (done, messages, unerased) = (0, 0, 0);
        for (var round = 0; done < target && (isAsked || round < 2 || TimeProvider.System.GetElapsedTime(start) < Limit); round++)
        {
            using RaceWorld world = new(ModelSetup.Plain with { HasRole = round % 2 == 1, HasReplica = round % 3 == 1, Times = round % 3 });
            await world.RunAsync(Math.Min(ValuesPerRound, target - done));
            await world.CheckMessagesAsync();
            keys.AddRange(world.TakeKeys());
            faults.AddRange(world.Faults);
            unerased += world.Unerased;
            done += world.Values;
            messages += world.Messages;
        }

        TestContext.Out.WriteLine($"{done} values, {messages} messages, {keys.Count} data keys");
        using (Assert.EnterMultipleScope())
        {
            Assert.That(faults, Is.Empty);
            Assert.That(unerased, Is.Zero, "answers of kms:Decrypt that were not erased");
            Assert.That(messages, Is.Positive);
            Assert.That(CountCopies(keys), Is.Zero, "plaintext data keys in this process's memory");
        }
    }

    [Test]
    [Platform("Linux")]
    public void The_search_finds_a_key_that_is_held_and_none_that_is_erased()
    {
        var held = GC.AllocateArray<byte>(ModelAws.DataKeyLength, pinned: true);
        Random.Shared.NextBytes(held);
        var masked = (byte[])held.Clone();
        ModelAws.Mask(masked);

        Assert.That(PlaintextScan.Count([masked]), Is.EqualTo(1));
        Array.Clear(held);
        Assert.That(PlaintextScan.Count([masked]), Is.Zero);
    }

    private static int CountCopies(List<byte[]> keys)
    {
        if (!OperatingSystem.IsLinux())
        {
            return 0; // other systems do not let a process read its own memory as a file
        }

        GC.Collect();
        GC.WaitForPendingFinalizers();
        GC.Collect();
        return PlaintextScan.Count(keys);
    }
}
