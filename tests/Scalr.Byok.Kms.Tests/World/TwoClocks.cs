using Microsoft.Extensions.Time.Testing;

namespace Scalr.Byok.Kms.Tests.World;

/// <summary>A host whose monotonic clock and wall clock move separately. Timers fire by the monotonic clock.</summary>
internal sealed class TwoClocks : TimeProvider
{
    private readonly Later _true;
    private TimeSpan _error;

    public TwoClocks()
    {
        Monotonic = new FakeTimeProvider(DateTimeOffset.UtcNow);
        _true = new Later(Monotonic);
    }

    /// <summary>The monotonic clock.</summary>
    public FakeTimeProvider Monotonic { get; }

    /// <summary>The clock of everyone else: it is never wrong and does not stop while the host is suspended. AWS has it.</summary>
    public TimeProvider True => _true;

    /// <summary>Runs on the reader's thread each time the host reads its wall clock.</summary>
    public Action? OnRead { get; set; }

    public override TimeZoneInfo LocalTimeZone => Monotonic.LocalTimeZone;

    public override long TimestampFrequency => Monotonic.TimestampFrequency;

    /// <summary>Both clocks move on, and timers fire.</summary>
    public void Advance(TimeSpan time) => Monotonic.Advance(time);

    /// <summary>Only the host's wall clock is set, forward or back.</summary>
    public void AdvanceWall(TimeSpan time) => _error += time;

    /// <summary>
    /// The host is suspended: its wall clock is right when it wakes up, its monotonic clock has stood still, and no timer has fired.
    /// </summary>
    public void Suspend(TimeSpan time) => _true.Add(time);

    public override DateTimeOffset GetUtcNow()
    {
        OnRead?.Invoke();
        return _true.GetUtcNow() + _error;
    }

    public override long GetTimestamp() => Monotonic.GetTimestamp();

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
        Monotonic.CreateTimer(callback, state, dueTime, period);

    private sealed class Later(FakeTimeProvider clock) : TimeProvider
    {
        private TimeSpan _more;

        public void Add(TimeSpan time) => _more += time;

        public override long TimestampFrequency => clock.TimestampFrequency;

        public override DateTimeOffset GetUtcNow() => clock.GetUtcNow() + _more;

        public override long GetTimestamp() => clock.GetTimestamp() + _more.Ticks;

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
            clock.CreateTimer(callback, state, dueTime, period);
    }
}
