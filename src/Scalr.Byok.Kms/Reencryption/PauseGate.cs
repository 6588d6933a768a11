using Scalr.Byok.Kms.Resilience;

namespace Scalr.Byok.Kms.Reencryption;

/// <summary>
/// The pause of a run, for all its workers together: no item begins before the next attempt is due. The first item that succeeds then ends
/// the pause.
/// </summary>
internal sealed class PauseGate
{
    private readonly Lock _gate = new();
    private readonly TimeProvider _time;
    private readonly TimeSpan _longest;
    private readonly long _start;
    private Backoff _backoff;
    private TaskCompletionSource _changed = NewSignal();
    private ReencryptionPause? _pause;
    private TimeSpan _began;
    private TimeSpan _until;
    private TimeSpan _paused;
    private long _attempt;

    /// <param name="longest">How long a pause may last.</param>
    /// <param name="longestDelay">The longest time between two attempts.</param>
    /// <param name="time">The clock.</param>
    public PauseGate(TimeSpan longest, TimeSpan longestDelay, TimeProvider time)
    {
        _longest = longest;
        _time = time;
        _start = time.GetTimestamp();
        _backoff = new Backoff(longestDelay, jitters: true);
    }

    /// <summary>The present pause; null if there is none.</summary>
    public ReencryptionPause? Pause
    {
        get
        {
            lock (_gate)
            {
                return _pause;
            }
        }
    }

    /// <summary>Completes when <see cref="Pause"/> changes.</summary>
    public Task Changed
    {
        get
        {
            lock (_gate)
            {
                return _changed.Task;
            }
        }
    }

    /// <summary>The time since the start without the pauses.</summary>
    public TimeSpan ActiveTime
    {
        get
        {
            lock (_gate)
            {
                return Now - _paused - (_pause is null ? TimeSpan.Zero : Now - _began);
            }
        }
    }

    private TimeSpan Now => _time.GetElapsedTime(_start);

    /// <summary>Waits until an attempt is due.</summary>
    /// <returns>The number of the attempt.</returns>
    public ValueTask<long> EnterAsync(CancellationToken cancellationToken)
    {
        var (attempt, wait) = FindAttempt();
        return wait <= TimeSpan.Zero ? new(attempt) : WaitAsync(wait, cancellationToken);
    }

    /// <summary>Begins or prolongs the pause.</summary>
    /// <param name="cause">The failure.</param>
    /// <param name="attempt">The attempt that failed. One that began before the last attempt was set changes nothing.</param>
    /// <returns>Whether to try again; false if the pause has lasted as long as it may.</returns>
    public bool TryPause(ByokException cause, long attempt)
    {
        lock (_gate)
        {
            if (attempt < _attempt)
            {
                return true;
            }

            var now = Now;
            _began = _pause is null ? now : _began;
            if (now - _began >= _longest)
            {
                return false;
            }

            _attempt++;
            _backoff.Fail(now.Ticks);
            var until = TimeSpan.FromTicks(_backoff.Until);
            if (cause is ByokServiceException { RetryAfter: { } asked } && now + asked > until)
            {
                until = now + asked;
            }

            _until = until < _began + _longest ? until : _began + _longest;
            var utcNow = _time.GetUtcNow();
            _pause = new ReencryptionPause(cause, utcNow - (now - _began), utcNow + (_until - now));
            Signal();
            return true;
        }
    }

    /// <summary>An attempt succeeded: ends the pause, unless the attempt began before it.</summary>
    public void Succeed(long attempt)
    {
        lock (_gate)
        {
            if (_pause is null || attempt < _attempt)
            {
                return;
            }

            _paused += Now - _began;
            _pause = null;
            _backoff.Reset();
            Signal();
        }
    }

    private async ValueTask<long> WaitAsync(TimeSpan wait, CancellationToken cancellationToken)
    {
        while (true)
        {
            // Rounded up to the timers' milliseconds, so that one wait is enough.
            await Task.Delay(TimeSpan.FromMilliseconds(Math.Ceiling(wait.TotalMilliseconds)), _time, cancellationToken)
                .ConfigureAwait(false);
            (var attempt, wait) = FindAttempt();
            if (wait <= TimeSpan.Zero)
            {
                return attempt;
            }
        }
    }

    private (long Attempt, TimeSpan Wait) FindAttempt()
    {
        lock (_gate)
        {
            return (_attempt, _pause is null ? TimeSpan.Zero : _until - Now);
        }
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private void Signal()
    {
        _changed.SetResult();
        _changed = NewSignal();
    }
}
