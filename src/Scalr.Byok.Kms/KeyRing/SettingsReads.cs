using Scalr.Byok.Kms.Resilience;

namespace Scalr.Byok.Kms.KeyRing;

/// <summary>
/// The reads of one tenant's settings after denials: one at a time, shared by all callers, and at most one per 5 seconds.
/// </summary>
internal sealed class SettingsReads
{
    /// <summary>The pause between two reads, and the longest time that a caller waits for one.</summary>
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(5);

    private static readonly Task<bool> NoRead = Task.FromResult(false);

    private readonly Lock _gate = new();
    private readonly TimeProvider _time;
    private readonly SharedWork _work;

    // Under the lock, so that of many denied callers one starts the read. They wait outside it.
    private Task<bool>? _read;
    private Task<bool>? _wait;
    private long _begun;

    /// <param name="time">The clock.</param>
    /// <param name="work">Starts the reads.</param>
    /// <param name="begun">When the read began that made the ring, by the clock's timestamps. It counts as the first read.</param>
    public SettingsReads(TimeProvider time, SharedWork work, long begun)
    {
        _time = time;
        _work = work;
        _begun = begun;
    }

    /// <summary>Starts a read, or joins the one under way.</summary>
    /// <param name="read">Reads the settings; returns whether they have changed.</param>
    /// <param name="isDue">Whether to read even if the last read was recent, because the settings are known to have changed.</param>
    /// <returns>The result of the read; false at once if the last read was too recent, or after 5 seconds without an answer.</returns>
    public Task<bool> Join(Func<Task<bool>> read, bool isDue = false)
    {
        lock (_gate)
        {
            if (_read is { IsCompleted: false })
            {
                // One wait for all: a caller that joins later has the rest of the 5 seconds.
                return _wait!;
            }

            if (!isDue && _time.GetElapsedTime(_begun) < Interval)
            {
                return NoRead;
            }

            _begun = _time.GetTimestamp();

            // The store is the host's code and may be slow. Callers wait 5 seconds at most. The read goes on, and no second one starts.
            _read = _work.Start(read);
            _wait = WaitAsync(_read).Observed();
            return _wait;
        }
    }

    private async Task<bool> WaitAsync(Task<bool> read)
    {
        try
        {
            return await read.WaitAsync(Interval, _time).ConfigureAwait(false);
        }
        catch (TimeoutException) when (!read.IsFaulted)
        {
            // Only this wait has ended. A TimeoutException of the store itself is the failure of the read, and goes to the callers.
            return false;
        }
    }
}
