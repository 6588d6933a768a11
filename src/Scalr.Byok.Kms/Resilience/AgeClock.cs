namespace Scalr.Byok.Kms.Resilience;

/// <summary>Measures how old facts are. Safe for concurrent use.</summary>
/// <remarks>
/// The monotonic clock stands still while a machine is suspended, and the wall clock can be set. This clock follows the monotonic clock and adds every step that the
/// wall clock makes ahead of it, for good. A wall clock that is set back changes nothing, so no age ever becomes smaller.
/// </remarks>
internal sealed class AgeClock
{
    /// <summary>Differences up to this are the noise of two clocks that are read one after the other.</summary>
    private static readonly long Tolerance = TimeSpan.FromMilliseconds(50).Ticks;

    private readonly long _start;
    private readonly Lock _gate = new();
    private long _offset;
    private long _ahead;
    private long _order;

    public AgeClock(TimeProvider time)
    {
        Time = time;
        _start = time.GetTimestamp();
        _offset = time.GetUtcNow().Ticks;
    }

    /// <summary>The host's clock, for timers and dates.</summary>
    public TimeProvider Time { get; }

    /// <summary>The time since some moment before any fact, in ticks of <see cref="TimeSpan"/>. Never goes back.</summary>
    public long Now
    {
        get
        {
            var monotonic = Monotonic;
            if (Math.Abs(Time.GetUtcNow().Ticks - monotonic - Volatile.Read(ref _offset)) > Tolerance)
            {
                FollowWallClock();
                monotonic = Monotonic;
            }

            return monotonic + Volatile.Read(ref _ahead);
        }
    }

    private long Monotonic => Time.GetElapsedTime(_start).Ticks;

    /// <summary>Now, with a place in the order of all marked moments, which decides what came first where the time is the same.</summary>
    public Moment Mark() => new(Now, Interlocked.Increment(ref _order));

    private void FollowWallClock()
    {
        lock (_gate)
        {
            // Read until both clocks were read at nearly the same time: a thread that is interrupted in between would see a step that is none.
            long monotonic, wall;
            var tries = 0;
            do
            {
                monotonic = Monotonic;
                wall = Time.GetUtcNow().Ticks;
            }
            while (Monotonic - monotonic > Tolerance / 10 && ++tries < 5);

            var step = wall - monotonic - _offset;
            if (Math.Abs(step) > Tolerance)
            {
                Volatile.Write(ref _ahead, _ahead + Math.Max(step, 0));
                Volatile.Write(ref _offset, _offset + step);
            }
        }
    }
}

/// <summary>A moment of <see cref="AgeClock"/>.</summary>
/// <param name="Ticks">The time.</param>
/// <param name="Order">The place among all marked moments: of two moments, the later one has the larger number.</param>
internal readonly record struct Moment(long Ticks, long Order)
{
    /// <summary>Earlier than any other moment, and older than any limit.</summary>
    public static readonly Moment Never = new(long.MinValue / 2, 0);

    public bool IsAfter(Moment other) => Order > other.Order;
}
