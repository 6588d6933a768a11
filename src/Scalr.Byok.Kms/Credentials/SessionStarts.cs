using Scalr.Byok.Kms.Errors;
using Scalr.Byok.Kms.Resilience;

namespace Scalr.Byok.Kms.Credentials;

/// <summary>Limits how many sessions all customers of the host begin per second, and recognises when the host itself has lost its permission. Safe for concurrent use.</summary>
/// <remarks>
/// AWS STS limits the requests of the host's account, so one customer must not use up what the others need. Every role has at most one request waiting, and waiting
/// requests are served in turn. Roles whose last request was denied share a tenth of the limit.
/// </remarks>
internal sealed class SessionStarts : IDisposable
{
    /// <summary>With fewer roles than this, denials of all of them may well be the customers' doing.</summary>
    private const int FewestRoles = 5;

    private readonly AgeClock _clock;
    private readonly long _interval;
    private readonly Lock _gate = new();
    private readonly Bucket _all;
    private readonly Bucket _denied;
    private readonly Dictionary<SessionCredentials, long?> _roles = new(ReferenceEqualityComparer.Instance); // roles that had a session, with the time of their last denial
    private ITimer? _timer;
    private bool _disposed;

    /// <param name="perSecond">How many sessions may begin per second.</param>
    /// <param name="interval">The time within which denials of all roles are the host's.</param>
    /// <param name="clock">The clock.</param>
    public SessionStarts(int perSecond, TimeSpan interval, AgeClock clock)
    {
        _clock = clock;
        _interval = interval.Ticks;
        _all = new Bucket(perSecond, clock.Now);
        _denied = new Bucket(Math.Max(perSecond / 10, 1), clock.Now);
    }

    /// <summary>Waits until a session may begin.</summary>
    /// <param name="wasDenied">Whether the role's last request was denied.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public async ValueTask WaitAsync(bool wasDenied, CancellationToken cancellationToken)
    {
        Waiter waiter;
        lock (_gate)
        {
            RingDisposed.ThrowIf(_disposed);
            Refill();
            if (TryTake(wasDenied))
            {
                return;
            }

            waiter = new Waiter();
            (wasDenied ? _denied : _all).Waiting.Enqueue(waiter);
            Arm();
        }

        try
        {
            await waiter.Turn.Task.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            waiter.IsGone = true; // a turn that it gets nevertheless is lost, which is rare and harmless
            throw;
        }
    }

    /// <summary>A role's session began.</summary>
    public void Succeeded(SessionCredentials role)
    {
        lock (_gate)
        {
            _roles[role] = null;
        }
    }

    /// <summary>A role was denied.</summary>
    /// <returns>Whether every role that had a session was denied within the interval, so that the cause is probably the host's own permission.</returns>
    public bool Denied(SessionCredentials role)
    {
        lock (_gate)
        {
            if (!_roles.ContainsKey(role))
            {
                return false;
            }

            var now = _clock.Now;
            _roles[role] = now;
            return _roles.Count >= FewestRoles && _roles.Values.All(denied => denied is { } at && now - at <= _interval);
        }
    }

    /// <summary>A role is no longer used.</summary>
    public void Forget(SessionCredentials role)
    {
        lock (_gate)
        {
            _roles.Remove(role);
        }
    }

    public void Dispose()
    {
        List<Waiter> waiting;
        lock (_gate)
        {
            _disposed = true;
            _timer?.Dispose();
            waiting = [.. _all.Waiting, .. _denied.Waiting];
        }

        waiting.ForEach(static waiter => waiter.Turn.TrySetException(new ObjectDisposedException(RingDisposed.Name)));
    }

    private void Serve()
    {
        lock (_gate)
        {
            if (_disposed)
            {
                return;
            }

            Refill();
            Serve(_all, wasDenied: false);
            Serve(_denied, wasDenied: true);
            if (_all.Waiting.Count + _denied.Waiting.Count > 0)
            {
                Arm();
            }
        }
    }

    private void Serve(Bucket queue, bool wasDenied)
    {
        while (queue.Waiting.TryPeek(out var waiter))
        {
            if (!waiter.IsGone && !TryTake(wasDenied, isNext: true))
            {
                return;
            }

            queue.Waiting.Dequeue();
            waiter.Turn.TrySetResult();
        }
    }

    private bool TryTake(bool wasDenied, bool isNext = false)
    {
        var queue = wasDenied ? _denied : _all;
        if ((!isNext && queue.Waiting.Count > 0) || _all.Tokens < 1 || (wasDenied && _denied.Tokens < 1))
        {
            return false;
        }

        _all.Tokens--;
        if (wasDenied)
        {
            _denied.Tokens--;
        }

        return true;
    }

    private void Refill()
    {
        var now = _clock.Now;
        _all.Refill(now);
        _denied.Refill(now);
    }

    private void Arm()
    {
        var due = TimeSpan.FromSeconds(_all.Waiting.Count > 0 ? 1.0 / _all.PerSecond : 1.0 / _denied.PerSecond);
        if (_timer is null)
        {
            _timer = _clock.Time.CreateTimer(static starts => ((SessionStarts)starts!).Serve(), this, due, Timeout.InfiniteTimeSpan);
        }
        else
        {
            _timer.Change(due, Timeout.InfiniteTimeSpan);
        }
    }

    private sealed class Bucket(int perSecond, long now)
    {
        private long _refilled = now;

        public int PerSecond => perSecond;

        public double Tokens { get; set; } = perSecond;

        public Queue<Waiter> Waiting { get; } = new();

        public void Refill(long now)
        {
            Tokens = Math.Min(perSecond, Tokens + (perSecond * (double)(now - _refilled) / TimeSpan.TicksPerSecond));
            _refilled = now;
        }
    }

    private sealed class Waiter
    {
        public TaskCompletionSource Turn { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public volatile bool IsGone;
    }
}
