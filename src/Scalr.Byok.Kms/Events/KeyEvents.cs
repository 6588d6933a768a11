using Microsoft.Extensions.Logging;
using Scalr.Byok.Kms.Credentials;
using Scalr.Byok.Kms.DataKeys;
using Scalr.Byok.Kms.Resilience;

namespace Scalr.Byok.Kms.Events;

/// <summary>Key events of all rings of this process. Exists only if the host has added an observer. Safe for concurrent use.</summary>
/// <remarks>
/// <see cref="KeyAccess"/> calls a <see cref="KeyWatch"/> when AWS has answered. The <see cref="KeyTracker"/> of the tenant and key
/// compares the state with the one that was reported last, and reports it once it has lasted. <see cref="KeyEventDelivery"/> calls the
/// observers.
/// Locks nest in this order: <see cref="_trackersGate"/>, that of a tracker, <see cref="_waitingGate"/> or that of a key access.
/// </remarks>
internal sealed class KeyEvents : IDisposable
{
    /// <summary>How many trackers without a ring are kept, because a denial, an outage or a warning of theirs was reported.</summary>
    private const int MostRemembered = 1_000;

    private readonly IEventFleet _fleet;
    private readonly KeyEventDelivery _delivery;
    private readonly ITimer _timer;

    // By tenant or ring and key, not by ring object: settings that change replace the ring, and the key stays denied.
    private readonly Lock _trackersGate = new();
    private readonly Dictionary<(RingOwner Owner, KmsKeyArn Key), KeyTracker> _trackers = [];
    private readonly Queue<KeyTracker> _remembered = new();

    // Trackers whose state has changed, by the timestamp at which it will have lasted long enough. Each is in it at most once.
    private readonly Lock _waitingGate = new();
    private readonly PriorityQueue<KeyTracker, long> _waiting = new();
    private bool _isDisposed;

    /// <param name="options">The operator's options.</param>
    /// <param name="observers">Makes the observers. Each is called once, at the first event.</param>
    /// <param name="fleet">The other instances of the host.</param>
    /// <param name="time">The clock.</param>
    /// <param name="logger">The log.</param>
    public KeyEvents(
        ByokOptions options, IEnumerable<Func<IByokKeyObserver>> observers, IEventFleet fleet, TimeProvider time, ILogger logger)
    {
        Options = options.KeyEvents;

        // Instances confirm a key at different moments of an interval, so their starts differ by up to one.
        Window = 5 * options.ConfirmationInterval;
        _fleet = fleet;
        Time = time;
        _delivery = new KeyEventDelivery(Options, observers, fleet, time, logger);
        _timer = time.CreateTimer(
            static events => ((KeyEvents)events!).OnTimer(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    public ByokKeyEventOptions Options { get; }

    /// <summary>What starts are rounded down to in ids.</summary>
    public TimeSpan Window { get; }

    public TimeProvider Time { get; }

    /// <summary>How many trackers there are.</summary>
    public int Tracked
    {
        get
        {
            lock (_trackersGate)
            {
                return _trackers.Count;
            }
        }
    }

    /// <summary>Starts to watch a key. Its ring disposes the watch.</summary>
    public KeyWatch Watch(RingOwner owner, KeyAccess access)
    {
        lock (_trackersGate)
        {
            var id = (owner, access.Key.Arn);
            if (!_trackers.TryGetValue(id, out var tracker))
            {
                _trackers.Add(id, tracker = new KeyTracker(this, owner, access.Key.Arn));
            }

            var watch = new KeyWatch(this, tracker, access);
            tracker.Use(watch);
            return watch;
        }
    }

    /// <summary>Ends a watch. That is not an event.</summary>
    public void Leave(KeyWatch watch)
    {
        lock (_trackersGate)
        {
            if (!watch.Tracker.TryLeave(watch, out var isWorthKeeping))
            {
                return; // a newer ring watches the key
            }

            if (!isWorthKeeping)
            {
                _trackers.Remove(watch.Tracker.Id);
                return;
            }

            // Kept for the ring that follows: the same denial must not be reported twice, and its end must be reported.
            if (!watch.Tracker.IsRemembered)
            {
                // Once, so that a tenant whose settings change often does not take the places of others.
                watch.Tracker.IsRemembered = true;
                _remembered.Enqueue(watch.Tracker);
            }

            while (_remembered.Count > MostRemembered)
            {
                var oldest = _remembered.Dequeue();
                oldest.IsRemembered = false;
                if (!oldest.IsWatched && _trackers.GetValueOrDefault(oldest.Id) == oldest)
                {
                    _trackers.Remove(oldest.Id);
                }
            }
        }
    }

    /// <summary>Queues an event for the observers. Never waits.</summary>
    public void Report(ByokKeyEvent keyEvent) => _delivery.Enqueue(keyEvent);

    /// <summary>Whether a key may be queried: no other instance of the host has done so within the interval.</summary>
    public async ValueTask<bool> MayQueryAsync(KeyTracker tracker, CancellationToken cancellationToken)
    {
        try
        {
            var (owner, key) = tracker.Id;
            return await _fleet.MayQueryAsync(owner, key, Options.QueryInterval, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception) when (!cancellationToken.IsCancellationRequested)
        {
            return true; // a query too many is better than a warning that no instance finds
        }
    }

    /// <summary>Calls <see cref="KeyTracker.CheckDue"/> after a time.</summary>
    public void CheckAfter(KeyTracker tracker, TimeSpan time)
    {
        lock (_waitingGate)
        {
            _waiting.Enqueue(tracker, Time.GetTimestamp() + (long)(time.TotalSeconds * Time.TimestampFrequency));
            Arm();
        }
    }

    public void Dispose()
    {
        lock (_waitingGate)
        {
            _isDisposed = true;
            _waiting.Clear();
        }

        _timer.Dispose();
        _delivery.Dispose();
    }

    private void OnTimer()
    {
        List<KeyTracker> due = [];
        lock (_waitingGate)
        {
            while (_waiting.TryPeek(out var tracker, out var at) && at <= Time.GetTimestamp())
            {
                _waiting.Dequeue();
                due.Add(tracker);
            }

            Arm();
        }

        // Outside the lock: a tracker may queue itself again.
        due.ForEach(static tracker => tracker.CheckDue());
    }

    // Called under the lock.
    private void Arm()
    {
        if (!_isDisposed && _waiting.TryPeek(out _, out var at))
        {
            // A tick more, so that rounding does not make the timer fire just before the moment.
            var left = Time.GetElapsedTime(Time.GetTimestamp(), at) + TimeSpan.FromMilliseconds(1);
            _timer.Change(left > TimeSpan.Zero ? left : TimeSpan.Zero, Timeout.InfiniteTimeSpan);
        }
    }
}
