namespace Scalr.Byok.Kms.Tests.KeyUse;

/// <summary>When a key is used, in seconds, and after which of the uses the customer changes something.</summary>
internal sealed record Schedule(string Name, int[] Uses, int ChangeAfter)
{
    private const int Burst = 3;

    /// <summary>The uses come all the time. The change comes long after the first.</summary>
    public static Schedule Busy(TimeSpan limit, int step = 1)
    {
        var (before, after) = (100 / step, ((int)limit.TotalSeconds / step) + 2);
        return new("busy", [.. Enumerable.Range(0, before + after).Select(i => i * step)], before);
    }

    /// <summary>Several uses at once, then none for one and a half times the limit.</summary>
    public static Schedule Bursty(TimeSpan limit)
    {
        var pause = (int)(limit.TotalSeconds * 1.5);
        return new("bursty", [.. Enumerable.Range(0, 4 * Burst).Select(i => i / Burst * pause)], (2 * Burst) - 1);
    }

    /// <summary>One use, nothing for twice the limit, one use.</summary>
    public static Schedule Idle(TimeSpan limit) => new("idle", [0, 2 * (int)limit.TotalSeconds], 0);

    /// <summary>One use, and one at the very moment at which the limit is reached.</summary>
    public static Schedule OnTheDot(TimeSpan limit) => new("on the dot", [0, (int)limit.TotalSeconds], 0);

    public override string ToString() => Name;
}
