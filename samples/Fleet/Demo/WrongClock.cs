namespace Fleet.Demo;

/// <summary>A wall clock that is wrong by a constant time.</summary>
/// <param name="clock">The right one.</param>
/// <param name="error">How far this one is ahead.</param>
public sealed class WrongClock(TimeProvider clock, TimeSpan error) : TimeProvider
{
    /// <inheritdoc/>
    public override long TimestampFrequency => clock.TimestampFrequency;

    /// <inheritdoc/>
    public override DateTimeOffset GetUtcNow() => clock.GetUtcNow() + error;

    /// <inheritdoc/>
    public override long GetTimestamp() => clock.GetTimestamp();

    /// <inheritdoc/>
    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
        clock.CreateTimer(callback, state, dueTime, period);
}
