namespace Scalr.Byok.Kms.Resilience;

/// <summary>
/// AWS's time, from the Date headers of its answers. A header has whole seconds and a moment between request and answer, so the time is an
/// interval. Safe for concurrent use.
/// </summary>
/// <remarks>
/// From an answer on, <see cref="AgeClock"/> continues. A step that it makes ahead moves both ends ahead. So the latest time stays right,
/// and the earliest time counts only for what was sent before the last answer arrived.
/// </remarks>
internal sealed class AwsTime
{
    private readonly AgeClock _clock;

    // Immutable and replaced as a whole, so that both ends come from the same answer.
    private Answer? _last;

    public AwsTime(AgeClock clock) => _clock = clock;

    /// <summary>The clock that continues AWS's time.</summary>
    public AgeClock Clock => _clock;

    /// <summary>The latest time that AWS's clock may show now, in ticks of UTC; null if no answer had a date so far.</summary>
    public long? LatestNow => Volatile.Read(ref _last) is { } last ? last.Latest + _clock.Now : null;

    /// <summary>Records an answer of AWS.</summary>
    /// <param name="sent">The moment before the request was sent, in ticks of <see cref="AgeClock"/>.</param>
    /// <param name="arrived">The moment after the answer arrived.</param>
    /// <param name="date">The Date header.</param>
    public void Note(long sent, long arrived, DateTimeOffset date)
    {
        var answer = new Answer(arrived, Earliest: date.UtcTicks - arrived, Latest: date.UtcTicks + TimeSpan.TicksPerSecond - sent);
        var last = Volatile.Read(ref _last);

        // The newest answer wins: it knows of all steps of the clock before it.
        while ((last is null || last.Arrived <= arrived) && Interlocked.CompareExchange(ref _last, answer, last) is var now && now != last)
        {
            last = now;
        }
    }

    /// <summary>
    /// The earliest time that AWS's clock may have shown at a moment. Null unless an answer with a date arrived after the moment: an older
    /// answer does not know of a step of the clock in between, which would make the moment look later than it was.
    /// </summary>
    public long? EarliestAt(long moment) =>
        Volatile.Read(ref _last) is { } last && last.Arrived >= moment ? last.Earliest + moment : null;

    /// <summary>About the time of AWS's clock at a moment, for what permits nothing; null if no answer had a date so far.</summary>
    public long? About(long moment) => Volatile.Read(ref _last) is { } last ? last.Earliest + moment : null;

    /// <param name="Arrived">When the answer arrived, in ticks of <see cref="AgeClock"/>.</param>
    /// <param name="Earliest">The least difference between AWS's clock and <see cref="AgeClock"/>.</param>
    /// <param name="Latest">The largest difference.</param>
    private sealed record Answer(long Arrived, long Earliest, long Latest);
}
