namespace Scalr.Byok.Kms.Reencryption;

/// <summary>Keeps an average rate. What is done is charged afterwards, and the next wait lasts until the average is right again.</summary>
internal sealed class Pace
{
    private readonly Lock _gate = new();
    private readonly double _rate; // 0: no limit
    private readonly TimeProvider _time;
    private double _balance = 1;
    private long _filled;

    /// <param name="rate">The rate per second; null: no limit.</param>
    /// <param name="time">The clock.</param>
    public Pace(double? rate, TimeProvider time)
    {
        _rate = rate ?? 0;
        _time = time;
        _filled = time.GetTimestamp();
    }

    public bool IsLimited => _rate > 0;

    /// <summary>The number of units that one second allows, at least 1; of no limit, <see cref="int.MaxValue"/>.</summary>
    public int PerSecond => IsLimited ? (int)Math.Clamp(_rate, 1, int.MaxValue) : int.MaxValue;

    public void Charge(long units)
    {
        lock (_gate)
        {
            _balance -= units;
        }
    }

    /// <summary>Waits until what was charged is within the rate.</summary>
    public async ValueTask WaitAsync(CancellationToken cancellationToken)
    {
        while (IsLimited && FindWait() is var wait && wait > TimeSpan.Zero)
        {
            await Task.Delay(wait, _time, cancellationToken).ConfigureAwait(false);
        }
    }

    private TimeSpan FindWait()
    {
        lock (_gate)
        {
            var now = _time.GetTimestamp();
            _balance = Math.Min(Math.Max(_rate, 1), _balance + (_time.GetElapsedTime(_filled, now).TotalSeconds * _rate));
            _filled = now;

            // Rounded up to the timers' milliseconds, so that the wait is long enough.
            return _balance > 0 ? TimeSpan.Zero : TimeSpan.FromMilliseconds(Math.Floor(-_balance / _rate * 1000) + 1);
        }
    }
}
