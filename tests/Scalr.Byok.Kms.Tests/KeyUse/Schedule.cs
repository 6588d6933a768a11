namespace Scalr.Byok.Kms.Tests.KeyUse;

/// <summary>When a key is used, in seconds, and when the customer changes something: after the uses of that second.</summary>
internal sealed record Schedule(string Name, int[] Uses, int Change)
{
    private const int Burst = 3;

    /// <summary>The uses come all the time. The change comes long after the first.</summary>
    public static Schedule Busy(TimeSpan limit, int step = 1)
    {
        const int Change = 100;
        return new("busy", [.. Enumerable.Range(0, ((Change + (int)limit.TotalSeconds) / step) + 2).Select(i => i * step)], Change);
    }

    /// <summary>Several uses at once, then none for one and a half times the limit. The change comes within a pause.</summary>
    public static Schedule Bursty(TimeSpan limit)
    {
        var pause = (int)(limit.TotalSeconds * 1.5);
        return new("bursty", [.. Enumerable.Range(0, 4 * Burst).Select(i => i / Burst * pause)], (int)limit.TotalSeconds * 2);
    }

    /// <summary>One use, nothing for more than the limit, then the change, nothing for twice the limit, one use.</summary>
    public static Schedule Idle(TimeSpan limit)
    {
        var change = (int)(limit.TotalSeconds * 1.1);
        return new("idle", [0, change + (2 * (int)limit.TotalSeconds)], change);
    }

    /// <summary>One use, the change, and one use at the very moment at which the limit is reached.</summary>
    public static Schedule OnTheDot(TimeSpan limit) => new("on the dot", [0, (int)limit.TotalSeconds], 0);

    public override string ToString() => Name;
}
