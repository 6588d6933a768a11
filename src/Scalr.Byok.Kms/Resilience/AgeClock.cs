namespace Scalr.Byok.Kms.Resilience;

/// <summary>Measures the age of facts. Safe for concurrent use.</summary>
/// <remarks>
/// The monotonic clock stops while a machine is suspended, and the wall clock can be set. This clock follows the monotonic clock, and adds
/// each step that the wall clock makes ahead of it. A wall clock that is set back changes nothing, so no age ever decreases.
/// </remarks>
internal sealed class AgeClock
{
    /// <summary>Smaller differences are the noise of reading two clocks one after the other.</summary>
    private static readonly long Tolerance = TimeSpan.FromMilliseconds(50).Ticks;

    private readonly long _start;
    private readonly Lock _gate = new();

    // Wall clock minus monotonic clock. Both numbers are written under the lock and read without it.
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

    /// <summary>The time since a moment before any fact, in ticks of <see cref="TimeSpan"/>. Never decreases.</summary>
    public long Now
    {
        get
        {
            // Without the lock while the clocks agree, because each use of a data key reads this clock.
            var monotonic = Monotonic;
            if (Math.Abs(Time.GetUtcNow().Ticks - monotonic - Volatile.Read(ref _offset)) > Tolerance)
            {
                FollowWallClock();

                // Read again, because the thread may have waited for the lock.
                monotonic = Monotonic;
            }

            // _ahead is written before _offset. So a thread that found the new offset above, and did not take the lock, also finds the step
            // here.
            return monotonic + Volatile.Read(ref _ahead);
        }
    }

    private long Monotonic => Time.GetElapsedTime(_start).Ticks;

    /// <summary>The current time, with a position in the order of all marked moments, which decides between equal times.</summary>
    public Moment Mark() => new(Now, Interlocked.Increment(ref _order));

    private void FollowWallClock()
    {
        lock (_gate)
        {
            // Repeated until both clocks were read at nearly the same time: for a thread that is interrupted in between, the difference
            // would look like a step of the wall clock. At most five times: a delay between the two readings only makes the step larger, so
            // facts then look older than they are, never newer.
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
                // Only steps ahead count. A step back moves the reference only, so no age decreases.
                Volatile.Write(ref _ahead, _ahead + Math.Max(step, 0));
                Volatile.Write(ref _offset, _offset + step);
            }
        }
    }
}

/// <summary>A moment of <see cref="AgeClock"/>.</summary>
/// <param name="Ticks">The time.</param>
/// <param name="Order">The position among all marked moments. The later of two moments has the larger number.</param>
internal readonly record struct Moment(long Ticks, long Order)
{
    /// <summary>Earlier than any other moment, and older than any limit.</summary>
    // Half of the smallest number, so that the age of this moment does not overflow.
    public static readonly Moment Never = new(long.MinValue / 2, 0);

    // The numbers alone decide. Two threads can take their numbers in the reverse order of their times, and all comparisons must agree.
    public bool IsAfter(Moment other) => Order > other.Order;
}
