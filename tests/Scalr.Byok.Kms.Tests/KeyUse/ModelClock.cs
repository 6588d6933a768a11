using Microsoft.Extensions.Time.Testing;

namespace Scalr.Byok.Kms.Tests.KeyUse;

/// <summary>The host's two clocks and AWS's own. They can be moved separately.</summary>
internal sealed class ModelClock : TimeProvider
{
    private static readonly DateTimeOffset Start = new(2030, 1, 1, 0, 0, 0, TimeSpan.Zero);

    private readonly FakeTimeProvider _monotonic = new(Start);
    private TimeSpan _suspended;
    private TimeSpan _skew;
    private TimeSpan _highestWall;

    /// <summary>AWS's time. It is never wrong.</summary>
    public DateTimeOffset AwsNow => _monotonic.GetUtcNow() + _suspended;

    /// <summary>What the host's clocks show.</summary>
    public Moment Now => new(_monotonic.GetUtcNow() - Start, GetUtcNow() - Start);

    public override long TimestampFrequency => _monotonic.TimestampFrequency;

    public override DateTimeOffset GetUtcNow() => AwsNow + _skew;

    public override long GetTimestamp() => _monotonic.GetTimestamp();

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
        _monotonic.CreateTimer(callback, state, dueTime, period);

    /// <summary>Time passes, and timers fire.</summary>
    public void Advance(TimeSpan time)
    {
        _monotonic.Advance(time);
        Remember();
    }

    /// <summary>The machine sleeps: the monotonic clock stands still.</summary>
    public void Suspend(TimeSpan time)
    {
        _suspended += time;
        Remember();
    }

    /// <summary>The host's wall clock is set, so far from AWS's time.</summary>
    public void SetSkew(TimeSpan skew)
    {
        _skew = skew;
        Remember();
    }

    /// <summary>The age by the rule: the larger one of what the two clocks show now.</summary>
    public TimeSpan Age(Moment since) => Max(Now.Monotonic - since.Monotonic, Now.Wall - since.Wall);

    /// <summary>At least the largest age that a clock has ever shown.</summary>
    public TimeSpan HighestAge(Moment since) => Max(Now.Monotonic - since.Monotonic, _highestWall - since.Wall);

    /// <summary>The smaller one of what the two clocks show now.</summary>
    public TimeSpan LowestAge(Moment since)
    {
        var (monotonic, wall) = (Now.Monotonic - since.Monotonic, Now.Wall - since.Wall);
        return monotonic < wall ? monotonic : wall;
    }

    private static TimeSpan Max(TimeSpan left, TimeSpan right) => left > right ? left : right;

    private void Remember() => _highestWall = Max(_highestWall, Now.Wall);

    internal readonly record struct Moment(TimeSpan Monotonic, TimeSpan Wall);
}
