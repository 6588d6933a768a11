using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using Scalr.Byok.Kms.Diagnostics;
using Scalr.Byok.Kms.Resilience;

namespace Scalr.Byok.Kms.Events;

/// <summary>The queue of events, and the one task that calls the observers. Safe for concurrent use.</summary>
internal sealed class KeyEventDelivery : IDisposable
{
    private readonly Channel<ByokKeyEvent> _queue;
    private readonly IEnumerable<Func<IByokKeyObserver>> _makers;
    private readonly IEventFleet _fleet;
    private readonly TimeSpan _timeout;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;

    // Never disposed itself: an observer that does not return may still ask its token.
    private readonly CancellationTokenSource _disposed = new();
    private readonly SharedWork _work;
    private int _isStarted;
    private long _dropped;

    /// <param name="options">The limits.</param>
    /// <param name="observers">Makes the observers.</param>
    /// <param name="fleet">The other instances of the host.</param>
    /// <param name="time">The clock of the time limit.</param>
    /// <param name="logger">The log.</param>
    public KeyEventDelivery(
        ByokKeyEventOptions options,
        IEnumerable<Func<IByokKeyObserver>> observers,
        IEventFleet fleet,
        TimeProvider time,
        ILogger logger)
    {
        // The oldest event is dropped, because the newest state of a key is the one to know.
        _queue = Channel.CreateBounded<ByokKeyEvent>(
            new BoundedChannelOptions(options.MaxQueued) { FullMode = BoundedChannelFullMode.DropOldest, SingleReader = true },
            _ => Interlocked.Increment(ref _dropped));
        _makers = observers;
        _fleet = fleet;
        _timeout = options.ObserverTimeout;
        _time = time;
        _logger = logger;
        _work = new SharedWork(_disposed.Token);
    }

    /// <summary>Queues an event. Never waits.</summary>
    public void Enqueue(ByokKeyEvent keyEvent)
    {
        _queue.Writer.TryWrite(keyEvent);
        if (Interlocked.Exchange(ref _isStarted, 1) == 0)
        {
            _ = _work.Start(RunAsync);
        }
    }

    /// <summary>Ends the task and cancels the calls of the observers. Does not wait for them.</summary>
    public void Dispose() => _disposed.Cancel();

    private async Task RunAsync()
    {
        // Made here, not with the rings: an observer may itself need a ring.
        List<Seat> seats = [.. _makers.Select(Make).OfType<Seat>()];
        await foreach (var keyEvent in _queue.Reader.ReadAllAsync(_disposed.Token).ConfigureAwait(false))
        {
            try
            {
                await ReportAsync(seats, keyEvent).ConfigureAwait(false);
            }
            catch (Exception) when (!_disposed.IsCancellationRequested)
            {
                // The host's log may throw. The next event must come nevertheless.
            }
        }
    }

    private async Task ReportAsync(List<Seat> seats, ByokKeyEvent keyEvent)
    {
        if (Interlocked.Exchange(ref _dropped, 0) is > 0 and var dropped)
        {
            _logger.KeyEventsDropped(dropped);
        }

        if (await MayReportAsync(keyEvent).ConfigureAwait(false))
        {
            var taken = await Task.WhenAll(seats.Select(seat => DeliverAsync(seat, keyEvent))).ConfigureAwait(false);
            await NoteAsync(keyEvent, !taken.Contains(false)).ConfigureAwait(false);
        }
    }

    private Seat? Make(Func<IByokKeyObserver> make)
    {
        try
        {
            return new Seat(make());
        }
        catch (Exception e)
        {
            _logger.KeyObserverFailed(nameof(IByokKeyObserver), e.GetType().Name);
            return null;
        }
    }

    private async Task<bool> MayReportAsync(ByokKeyEvent keyEvent)
    {
        try
        {
            return await _fleet.MayReportAsync(keyEvent, _disposed.Token).ConfigureAwait(false);
        }
        catch (Exception) when (!_disposed.IsCancellationRequested)
        {
            return true; // a repeat is better than an event that no instance reports
        }
    }

    private async Task NoteAsync(ByokKeyEvent keyEvent, bool isTaken)
    {
        try
        {
            // After the observers: an instance that ends before leaves the event to the others.
            await _fleet.ReportedAsync(keyEvent, isTaken, _disposed.Token).ConfigureAwait(false);
        }
        catch (Exception)
        {
            // Another instance may report the event again. Its id is the same.
        }
    }

    /// <summary>Calls one observer, and waits for at most the time limit.</summary>
    /// <returns>Whether the observer has taken the event.</returns>
    private async Task<bool> DeliverAsync(Seat seat, ByokKeyEvent keyEvent)
    {
        var name = seat.Observer.GetType().Name;
        if (!seat.Call.IsCompleted)
        {
            // Skipped, not queued: one call per observer at a time, and the other observers do not wait for it again.
            seat.Missed++;
            return false;
        }

        if (seat.Missed > 0)
        {
            _logger.KeyEventsMissed(name, seat.Missed);
            seat.Missed = 0;
        }

        using var limit = new CancellationTokenSource(_timeout, _time);
        using var ends = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, _disposed.Token);
        var token = ends.Token;

        // On a thread of its own, because an observer that blocks must not stop this task.
        seat.Call = Task.Run(() => seat.Observer.OnKeyEventAsync(keyEvent, token), CancellationToken.None).Observed();
        try
        {
            await seat.Call.WaitAsync(token).ConfigureAwait(false);
            return true;
        }
        catch (OperationCanceledException) when (_disposed.IsCancellationRequested)
        {
            // The host stops.
        }
        catch (OperationCanceledException) when (limit.IsCancellationRequested)
        {
            _logger.KeyObserverTooSlow(name, _timeout);
        }
        catch (Exception e)
        {
            // Only the type's name: the text comes from the host's code.
            _logger.KeyObserverFailed(name, e.GetType().Name);
        }

        return false;
    }

    /// <summary>An observer and its last call.</summary>
    private sealed class Seat(IByokKeyObserver observer)
    {
        public IByokKeyObserver Observer => observer;

        public Task Call { get; set; } = Task.CompletedTask;

        /// <summary>How many events came while the call did not return.</summary>
        public long Missed { get; set; }
    }
}
