using Microsoft.Extensions.Time.Testing;

namespace Scalr.Byok.Kms.Tests.KeyUse;

/// <summary>The host's two clocks and AWS's own. They can be moved separately.</summary>
internal sealed class ModelClock : TimeProvider
{
    private static readonly DateTimeOffset Start = new(2030, 1, 1, 0, 0, 0, TimeSpan.Zero);

    private readonly FakeTimeProvider _monotonic = new(Start);
    private TimeSpan _suspended;
    private TimeSpan _skew;
    private TimeSpan _ahead;

    /// <summary>AWS's time. It is never wrong.</summary>
    public DateTimeOffset AwsNow => _monotonic.GetUtcNow() + _suspended;

    /// <summary>What the host's clocks show.</summary>
    public Moment Now => new(_monotonic.GetUtcNow() - Start, GetUtcNow() - Start, _ahead);

    public override long TimestampFrequency => _monotonic.TimestampFrequency;

    public override DateTimeOffset GetUtcNow() => AwsNow + _skew;

    public override long GetTimestamp() => _monotonic.GetTimestamp();

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
        _monotonic.CreateTimer(callback, state, dueTime, period);

    /// <summary>Time passes, and timers fire.</summary>
    public void Advance(TimeSpan time) => _monotonic.Advance(time);

    /// <summary>The machine sleeps: the monotonic clock stands still.</summary>
    public void Suspend(TimeSpan time)
    {
        _suspended += time;
        _ahead += time;
    }

    /// <summary>The host's wall clock is set, so far from AWS's time.</summary>
    public void SetSkew(TimeSpan skew)
    {
        _ahead += Max(skew - _skew, TimeSpan.Zero);
        _skew = skew;
    }

    /// <summary>The age by the rule: the larger one of what the two clocks show now.</summary>
    public TimeSpan Age(Moment since) => Max(Now.Monotonic - since.Monotonic, Now.Wall - since.Wall);

    /// <summary>
    /// The largest age that a careful host may assume: the monotonic clock plus each step of the wall clock ahead of it.
    /// A wall clock that is set back before a suspension or a correction hides nothing.
    /// </summary>
    public TimeSpan HighestAge(Moment since) => Now.Monotonic - since.Monotonic + Now.Ahead - since.Ahead;

    /// <summary>The smaller one of what the two clocks show now.</summary>
    public TimeSpan LowestAge(Moment since)
    {
        var (monotonic, wall) = (Now.Monotonic - since.Monotonic, Now.Wall - since.Wall);
        return monotonic < wall ? monotonic : wall;
    }

    private static TimeSpan Max(TimeSpan left, TimeSpan right) => left > right ? left : right;

    internal readonly record struct Moment(TimeSpan Monotonic, TimeSpan Wall, TimeSpan Ahead);
}
