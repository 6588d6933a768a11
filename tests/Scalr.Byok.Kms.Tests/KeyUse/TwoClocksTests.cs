using Scalr.Byok.Kms.Tests.World;

namespace Scalr.Byok.Kms.Tests.KeyUse;

/// <summary>The test clock itself.</summary>
internal sealed class TwoClocksTests
{
    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);

    [Test]
    public async Task Advancing_moves_the_clocks_that_it_names()
    {
        var clocks = new TwoClocks();
        var fired = 0;
        await using var timer = clocks.CreateTimer(_ => fired++, null, Minute, Timeout.InfiniteTimeSpan);
        var (wall, monotonic, real) = (clocks.GetUtcNow(), clocks.GetTimestamp(), clocks.True.GetUtcNow());

        clocks.AdvanceWall(-Minute);
        clocks.Suspend(2 * Minute);
        Assert.That(
            (clocks.GetUtcNow() - wall, clocks.GetElapsedTime(monotonic), clocks.True.GetUtcNow() - real, fired),
            Is.EqualTo((Minute, TimeSpan.Zero, 2 * Minute, 0)));

        clocks.Advance(Minute);
        Assert.That(
            (clocks.GetUtcNow() - wall, clocks.GetElapsedTime(monotonic), clocks.True.GetUtcNow() - real, fired),
            Is.EqualTo((2 * Minute, Minute, 3 * Minute, 1)));
    }
}
