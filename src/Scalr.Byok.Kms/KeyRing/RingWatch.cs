using System.Security.Cryptography;
using Microsoft.Extensions.Logging;
using Scalr.Byok.Kms.DataKeys;
using Scalr.Byok.Kms.Diagnostics;

namespace Scalr.Byok.Kms.KeyRing;

/// <summary>
/// Sees to it that a customer's revocation reaches a ring that has data keys, cached or open: asks AWS every so often whether they may still be used, as long as somebody
/// uses the ring and it has any.
/// </summary>
/// <remarks>One look at a time. What AWS refuses erases the keys on the way (<see cref="DataKeySource.OnRefusal"/>); what it fails to answer changes nothing.</remarks>
internal sealed class RingWatch : IDisposable
{
    private readonly Func<bool> _sweep;
    private readonly Func<CancellationToken, Task> _look;
    private readonly TimeSpan _interval;
    private readonly ILogger _logger;
    private readonly TimeProvider _time;
    private readonly CancellationTokenSource _disposed = new();
    private ITimer? _timer;
    private int _armed;
    private volatile bool _used;

    /// <param name="sweep">Erases keys that have had their time, and tells whether any is left.</param>
    /// <param name="look">Asks AWS about the keys.</param>
    /// <param name="interval">How often.</param>
    /// <param name="time">The clock.</param>
    /// <param name="logger">Told of what should not happen.</param>
    public RingWatch(Func<bool> sweep, Func<CancellationToken, Task> look, TimeSpan interval, TimeProvider time, ILogger logger)
    {
        _sweep = sweep;
        _look = look;
        _interval = interval;
        _logger = logger;
        _time = time;
    }

    /// <summary>The ring is used.</summary>
    public void Touch()
    {
        if (!_used)
        {
            _used = true; // not each time: the processors would take the memory from each other
        }

        if (Volatile.Read(ref _armed) == 0)
        {
            Arm();
        }
    }

    public void Dispose()
    {
        _disposed.Cancel();
        Volatile.Read(ref _timer)?.Dispose();
    }

    private void Arm()
    {
        if (!_disposed.IsCancellationRequested && Interlocked.Exchange(ref _armed, 1) == 0)
        {
            // Up to a tenth sooner, so that the rings of a host do not ask in step.
            var due = _interval * (RandomNumberGenerator.GetInt32(900, 1000) / 1000.0);
            if (_timer is { } timer)
            {
                timer.Change(due, Timeout.InfiniteTimeSpan);
                return;
            }

            Volatile.Write(ref _timer, _time.CreateTimer(static watch => _ = ((RingWatch)watch!).LookAsync(), this, due, Timeout.InfiniteTimeSpan));
            if (_disposed.IsCancellationRequested)
            {
                _timer!.Dispose(); // Dispose may not have seen it
            }
        }
    }

    private async Task LookAsync()
    {
        var left = false;
        try
        {
            var any = _sweep();
            var used = _used;
            _used = false;
            if (any && used)
            {
                using var activity = Activities.StartShared(Activities.Watch, caller: default);
                await _look(_disposed.Token).ConfigureAwait(false);
            }

            left = _sweep();
        }
        catch (Exception e) when (e is ByokException or OperationCanceledException or ObjectDisposedException)
        {
            left = true;
        }
        catch (Exception e)
        {
            _logger.WatchFailed(e.GetType().Name);
            left = true;
        }

        Volatile.Write(ref _armed, 0);
        if (left || _used)
        {
            Arm();
        }
    }
}
