namespace Scalr.Byok.Kms.Tests.KeyRing;

/// <summary>Another clock, whose timers are counted.</summary>
internal sealed class CountingTime : TimeProvider
{
    private readonly TimeProvider _clock;
    private int _timers;

    public CountingTime(TimeProvider clock) => _clock = clock;

    public int Timers => Volatile.Read(ref _timers);

    public override TimeZoneInfo LocalTimeZone => _clock.LocalTimeZone;

    public override long TimestampFrequency => _clock.TimestampFrequency;

    public override DateTimeOffset GetUtcNow() => _clock.GetUtcNow();

    public override long GetTimestamp() => _clock.GetTimestamp();

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        Interlocked.Increment(ref _timers);
        return _clock.CreateTimer(callback, state, dueTime, period);
    }
}
