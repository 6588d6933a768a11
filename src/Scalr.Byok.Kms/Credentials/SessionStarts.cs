using Scalr.Byok.Kms.Errors;
using Scalr.Byok.Kms.Resilience;

namespace Scalr.Byok.Kms.Credentials;

/// <summary>
/// Limits the sessions that all customers of the host start per second, and detects that the host itself has lost its permission. Safe for
/// concurrent use.
/// </summary>
/// <remarks>
/// AWS STS limits the requests of the host's account, so one customer must not use up the share of the others. Each role has at most one
/// request waiting. The owners of waiting requests are served in turn. Roles whose last request was denied share a tenth of the limit. When
/// AWS STS throttles, the limit becomes the number that it accepted in the last second, and then slowly grows again.
/// </remarks>
internal sealed class SessionStarts : IDisposable
{
    /// <summary>The number of roles below which denials of all of them may well be caused by the customers.</summary>
    private const int FewestRoles = 5;

    /// <summary>The share of the limit by which the rate grows again per second.</summary>
    private const double Recovery = 0.05;

    private readonly AgeClock _clock;
    private readonly long _interval;
    private readonly Lock _gate = new();

    // Both buckets and their queues are guarded by the lock. Requests wait on tasks of their own, never on the lock.
    private readonly Bucket _all;
    private readonly Bucket _denied;
    // roles that had a session, with the time of their last denial
    private readonly Dictionary<SessionCredentials, long?> _roles = new(ReferenceEqualityComparer.Instance);

    // Runs only while requests wait. _due is the time of its next turn, in ticks of AgeClock.
    private ITimer? _timer;
    private long _due = long.MaxValue;
    private bool _disposed;

    /// <param name="perSecond">The number of sessions that may start per second.</param>
    /// <param name="interval">The time within which denials of all roles count as one failure of the host.</param>
    /// <param name="clock">The clock.</param>
    public SessionStarts(int perSecond, TimeSpan interval, AgeClock clock)
    {
        _clock = clock;
        _interval = interval.Ticks;
        _all = new Bucket(perSecond, clock.Now);
        _denied = new Bucket(Math.Max(perSecond / 10, 1), clock.Now);
    }

    /// <summary>Asks for a turn.</summary>
    /// <param name="owner">Whose ring or verification the session is for.</param>
    /// <param name="wasDenied">Whether the role's last request was denied.</param>
    /// <returns>The turn to wait for; null if a session may start now.</returns>
    public Turn? Enter(RingOwner owner, bool wasDenied)
    {
        lock (_gate)
        {
            // Checked under the lock that Dispose takes, so no request is queued after Dispose has ended the waiting ones.
            RingDisposed.ThrowIf(_disposed);
            Refill();
            if (TryTake(wasDenied))
            {
                return null;
            }

            // Queued under the lock that Serve takes, so that no turn is missed.
            var turn = (wasDenied ? _denied : _all).Enqueue(owner);
            Arm();
            return turn;
        }
    }

    /// <summary>Waits for a turn.</summary>
    /// <param name="turn">The turn.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public static async ValueTask WaitAsync(Turn turn, CancellationToken cancellationToken)
    {
        try
        {
            await turn.Come.Task.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            // A turn that it may still get is lost, which is rare and harmless.
            turn.IsGone = true;
            throw;
        }
    }

    /// <summary>How long a turn is away at the present rate. Zero if it has come.</summary>
    public TimeSpan TimeUntil(Turn turn)
    {
        lock (_gate)
        {
            return turn.Queue.TimeUntil(turn);
        }
    }

    /// <summary>Records that a role's session started.</summary>
    public void Succeeded(SessionCredentials role)
    {
        lock (_gate)
        {
            // Null: the role has had a session, and was not denied since.
            _roles[role] = null;
            _all.Accepted(_clock.Now);
        }
    }

    /// <summary>Records that AWS STS throttled a request.</summary>
    public void Throttled()
    {
        lock (_gate)
        {
            Refill();
            _all.SlowDown(_clock.Now);
        }
    }

    /// <summary>Records that a role was denied.</summary>
    /// <returns>
    /// Whether every role that had a session was denied within the interval. Then the cause is probably the host's own permission.
    /// </returns>
    public bool Denied(SessionCredentials role)
    {
        lock (_gate)
        {
            // Roles that never had a session do not count: a customer who types a wrong role must not look like a failure of the host.
            if (!_roles.ContainsKey(role))
            {
                return false;
            }

            var now = _clock.Now;
            _roles[role] = now;

            // All customers hardly deny their roles at the same time. A cause that is common to all roles is the host's own identity.
            return _roles.Count >= FewestRoles && _roles.Values.All(denied => denied is { } at && now - at <= _interval);
        }
    }

    /// <summary>Removes a role that is no longer used.</summary>
    public void Forget(SessionCredentials role)
    {
        lock (_gate)
        {
            _roles.Remove(role);
        }
    }

    public void Dispose()
    {
        List<Turn> waiting;
        lock (_gate)
        {
            _disposed = true;
            _timer?.Dispose();
            waiting = [.. _all.Turns, .. _denied.Turns];
        }

        waiting.ForEach(static turn => turn.Come.TrySetException(new ObjectDisposedException(RingDisposed.Name)));
    }

    private void Serve()
    {
        lock (_gate)
        {
            if (_disposed)
            {
                return;
            }

            // Cleared under the lock before the work, so that Arm starts the timer again for those that still wait.
            _due = long.MaxValue;
            Refill();

            // Healthy roles first. Denied roles take their share of what is left.
            Serve(_all, wasDenied: false);
            Serve(_denied, wasDenied: true);
            if (_all.Count + _denied.Count > 0)
            {
                Arm();
            }
        }
    }

    private void Serve(Bucket queue, bool wasDenied)
    {
        while (queue.Next is { } turn)
        {
            // A request that has left is removed without a turn.
            if (!turn.IsGone && !TryTake(wasDenied, isNext: true))
            {
                return;
            }

            queue.Dequeue();
            turn.Come.TrySetResult();
        }
    }

    private bool TryTake(bool wasDenied, bool isNext = false)
    {
        var queue = wasDenied ? _denied : _all;

        // A caller must not pass those that wait already. A denied role takes from both buckets, so all roles together keep the limit.
        if ((!isNext && queue.Count > 0) || _all.Tokens < 1 || (wasDenied && _denied.Tokens < 1))
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
        // The time after which the next turn is there. A denied role alone waits for its own bucket, which fills more slowly.
        var due = TimeSpan.FromSeconds(1.0 / (_all.Count > 0 ? _all.PerSecond : _denied.PerSecond));
        var at = _clock.Now + due.Ticks;

        // Never later than it is due already. Otherwise callers that keep arriving would delay all turns.
        if (at >= _due)
        {
            return;
        }

        _due = at;
        if (_timer is null)
        {
            _timer = _clock.Time.CreateTimer(static starts => ((SessionStarts)starts!).Serve(), this, due, Timeout.InfiniteTimeSpan);
        }
        else
        {
            _timer.Change(due, Timeout.InfiniteTimeSpan);
        }
    }

    /// <summary>The turn of one request that waits.</summary>
    /// <param name="queue">Where it waits.</param>
    /// <param name="owner">Whose request it is.</param>
    public sealed class Turn(Bucket queue, RingOwner owner)
    {
        public Bucket Queue => queue;

        public RingOwner Owner => owner;

        // Completed under the lock, so its continuations must not run there.
        public TaskCompletionSource Come { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public volatile bool IsGone;
    }

    /// <summary>A token bucket and the requests that wait for it. Guarded by the owner's lock.</summary>
    public sealed class Bucket(int most, long now)
    {
        private readonly Queue<long> _accepted = new(); // the times of the last second
        private long _refilled = now;
        private long _slowed = long.MinValue / 2;

        // The requests of each owner, in order; and the owners in the order of their next turns.
        private readonly Dictionary<RingOwner, Line> _waiting = [];
        private readonly Queue<Line> _lines = new();
        private long _next;

        /// <summary>How many sessions may start per second at present.</summary>
        public double PerSecond { get; private set; } = most;

        public double Tokens { get; set; } = most;

        /// <summary>How many requests wait.</summary>
        public int Count { get; private set; }

        public IEnumerable<Turn> Turns => _lines.SelectMany(static line => line.Turns);

        /// <summary>The request whose turn is the next; null if none waits.</summary>
        public Turn? Next => _lines.TryPeek(out var line) ? line.Turns.Peek() : null;

        public Turn Enqueue(RingOwner owner)
        {
            var turn = new Turn(this, owner);
            if (!_waiting.TryGetValue(owner, out var line))
            {
                _waiting.Add(owner, line = new Line());
                Append(line);
            }

            line.Turns.Enqueue(turn);
            Count++;
            return turn;
        }

        public void Dequeue()
        {
            // The owner's next request comes after one of each other owner. So an owner with many requests delays no other.
            var line = _lines.Dequeue();
            var turn = line.Turns.Dequeue();
            Count--;
            if (line.Turns.Count > 0)
            {
                Append(line);
            }
            else
            {
                _waiting.Remove(turn.Owner);
            }
        }

        public TimeSpan TimeUntil(Turn turn)
        {
            if (!_waiting.TryGetValue(turn.Owner, out var own))
            {
                return TimeSpan.Zero;
            }

            var round = own.Turns.TakeWhile(other => other != turn).Count();
            if (round == own.Turns.Count)
            {
                return TimeSpan.Zero; // it has come
            }

            // In each round before its own, each owner has a turn; in its own round, the owners in front of it have one.
            var inFront = own.Number - _lines.Peek().Number;
            var turns = Count == _lines.Count
                ? inFront
                : _lines.Sum(line => line == own ? round : Math.Min(line.Turns.Count, round + (line.Number < own.Number ? 1 : 0)));
            return TimeSpan.FromSeconds((turns + 1) / PerSecond);
        }

        public void Refill(long now)
        {
            var seconds = (double)(now - _refilled) / TimeSpan.TicksPerSecond;
            _refilled = now;
            PerSecond = Math.Min(most, PerSecond + (most * Recovery * seconds));
            Tokens = Math.Min(PerSecond, Tokens + (PerSecond * seconds));
        }

        public void Accepted(long now)
        {
            Forget(now);
            _accepted.Enqueue(now);
        }

        public void SlowDown(long now)
        {
            // Many requests of one second are throttled together, for one cause.
            if (now - _slowed < TimeSpan.TicksPerSecond)
            {
                return;
            }

            // At most halved: the answers to those that were accepted may arrive after the first that was not.
            Forget(now);
            PerSecond = Math.Max(1, Math.Clamp(_accepted.Count, PerSecond / 2, PerSecond * 0.95));
            Tokens = Count > 0 ? 0 : Math.Min(Tokens, PerSecond);
            _slowed = now;
        }

        private void Append(Line line)
        {
            line.Number = _next++;
            _lines.Enqueue(line);
        }

        private void Forget(long now)
        {
            while (_accepted.TryPeek(out var first) && now - first >= TimeSpan.TicksPerSecond)
            {
                _accepted.Dequeue();
            }
        }

        /// <summary>The requests of one owner that wait.</summary>
        private sealed class Line
        {
            public Queue<Turn> Turns { get; } = new();

            /// <summary>The place among all owners. The next to be served has the smallest number.</summary>
            public long Number { get; set; }
        }
    }
}
