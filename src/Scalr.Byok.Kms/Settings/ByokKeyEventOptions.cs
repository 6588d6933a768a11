namespace Scalr.Byok.Kms;

/// <summary>When key events are reported to the host's <see cref="IByokKeyObserver"/>s.</summary>
public sealed class ByokKeyEventOptions
{
    /// <summary>
    /// How long a key must be denied, unreachable or usable again before that is reported: 0 to 1 hour. Default: 30 seconds. A state that
    /// ends sooner is not reported.
    /// </summary>
    public TimeSpan HoldTime { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// The time between two queries of a key in use by kms:DescribeKey, which find what <see cref="ByokKeyEventKind.Warned"/> reports: 1
    /// minute to 1 day. Default: 15 minutes. Zero and <see cref="Timeout.InfiniteTimeSpan"/> turn the queries off.
    /// </summary>
    /// <remarks>
    /// Costs one kms:DescribeKey per interval and key in use, in each process; nothing for a key that is not used. The first query of a key
    /// is at a random moment of the interval, so that queries of many keys are spread over time.
    /// </remarks>
    public TimeSpan QueryInterval { get; set; } = TimeSpan.FromMinutes(15);

    /// <summary>
    /// How long the other observers wait for one that does not return: 1 second to 1 hour. Default: 30 seconds. Then the call's token is
    /// cancelled, and the observer gets no event until its call has ended.
    /// </summary>
    public TimeSpan ObserverTimeout { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>The number of events that wait for the observers: 1 to 100,000. Default: 1,000. Then the oldest is dropped.</summary>
    public int MaxQueued { get; set; } = 1_000;
}
