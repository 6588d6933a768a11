using System.Collections.Concurrent;

namespace Scalr.Byok.Kms.Tests.World;

/// <summary>Another clock, whose timers are counted.</summary>
internal sealed class CountingTime : TimeProvider
{
    private readonly TimeProvider _clock;
    private readonly ConcurrentDictionary<Timer, bool> _alive = new();
    private int _created;

    public CountingTime(TimeProvider clock) => _clock = clock;

    /// <summary>How many timers were ever created.</summary>
    public int Created => Volatile.Read(ref _created);

    /// <summary>How many timers are not disposed.</summary>
    public int Alive => _alive.Count;

    /// <summary>How many of them are the timers of pauses that are not over by the clock.</summary>
    /// <remarks>
    /// When a pause is over, a thread ends it and goes on. The machine may hold that thread up, and a test must not move the clock on
    /// meanwhile.
    /// </remarks>
    public int Pauses => Count(static timer => timer.State is Task && !timer.IsOver);

    /// <summary>How many of them are the timers of so long a time limit.</summary>
    public int Limits(TimeSpan limit) => Count(timer => timer.State is CancellationTokenSource && timer.DueTime == limit);

    /// <summary>How many time limits of this length are over and have not ended their work yet.</summary>
    public int Expired(TimeSpan limit) => Count(
        timer => timer.State is CancellationTokenSource { IsCancellationRequested: true } && timer.DueTime == limit);

    /// <summary>How many of them are the timers of time limits up to this one that run.</summary>
    /// <remarks>Polly makes a timer that does not run and sets its time then.</remarks>
    public int LimitsUpTo(TimeSpan longest) => Count(
        timer => timer.State is CancellationTokenSource && timer.Set > TimeSpan.Zero && timer.Set <= longest);

    /// <summary>The time until the next timer is due; null if none runs. To be asked while no one sets a timer.</summary>
    public TimeSpan? NextDue
    {
        get
        {
            var (now, next) = (GetTimestamp(), TimeSpan.MaxValue);
            foreach (var (timer, _) in _alive)
            {
                var left = timer.Left(now);
                next = left < next ? left : next;
            }

            return next == TimeSpan.MaxValue ? null : next;
        }
    }

    public override TimeZoneInfo LocalTimeZone => _clock.LocalTimeZone;

    public override long TimestampFrequency => _clock.TimestampFrequency;

    public override DateTimeOffset GetUtcNow() => _clock.GetUtcNow();

    public override long GetTimestamp() => _clock.GetTimestamp();

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        Interlocked.Increment(ref _created);
        var timer = new Timer(this, _clock.CreateTimer(callback, state, dueTime, period), state, dueTime, period);
        _alive[timer] = true;
        return timer;
    }

    // Without Keys, which copies all of them: some tests ask again and again while thousands of timers run.
    private int Count(Func<Timer, bool> condition) => _alive.Count(pair => condition(pair.Key));

    private sealed class Timer(CountingTime owner, ITimer timer, object? state, TimeSpan dueTime, TimeSpan period) : ITimer
    {
        private readonly long _start = owner.GetTimestamp(); // not earlier than the timer's own, so that it is never over too early
        private long _set = dueTime.Ticks;
        private long _setAt = owner.GetTimestamp();
        private TimeSpan _period = period;

        /// <summary>What it is for: a pause is a task, and a time limit cancels.</summary>
        public object? State => state;

        public TimeSpan DueTime => dueTime;

        /// <summary>Whether its time has passed. For timers whose time is set once.</summary>
        public bool IsOver => owner.GetElapsedTime(_start) >= dueTime;

        /// <summary>The time that was set last.</summary>
        public TimeSpan Set => new(Volatile.Read(ref _set));

        /// <summary>The time from a moment until it is due next; the longest time if it is not.</summary>
        public TimeSpan Left(long now)
        {
            var (due, passed) = (Set, owner.GetElapsedTime(_setAt, now));
            if (due >= TimeSpan.Zero && due <= passed && _period > TimeSpan.Zero)
            {
                due += new TimeSpan(((passed - due).Ticks / _period.Ticks + 1) * _period.Ticks);
            }

            return due > passed ? due - passed : TimeSpan.MaxValue;
        }

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            Volatile.Write(ref _set, dueTime.Ticks);
            (_setAt, _period) = (owner.GetTimestamp(), period);
            return timer.Change(dueTime, period);
        }

        public void Dispose()
        {
            owner._alive.TryRemove(this, out _);
            timer.Dispose();
        }

        public ValueTask DisposeAsync()
        {
            Dispose();
            return default;
        }
    }
}
