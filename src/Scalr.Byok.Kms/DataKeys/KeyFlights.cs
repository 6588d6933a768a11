using Scalr.Byok.Kms.Errors;
using Scalr.Byok.Kms.Resilience;

namespace Scalr.Byok.Kms.DataKeys;

/// <summary>
/// Data keys that are being fetched. Concurrent misses share one call. Each caller can cancel its own wait. Safe for concurrent use.
/// </summary>
/// <remarks>
/// A flight owns its key until a caller gives it to the cache, or the last caller leaves. Callers do so only after their message is
/// authenticated. So forged messages add nothing to the cache and evict nothing.
/// </remarks>
/// <typeparam name="T">A data key with what belongs to it.</typeparam>
internal sealed class KeyFlights<T>
    where T : class, ICachedKey
{
    private readonly Lock _gate = new();

    // Null while there is none, because most rings have none. The lock guards it, and for each flight the callers and the ownership of the
    // key.
    private Dictionary<byte[], Flight>? _flights;
    private readonly SharedWork _work;

    /// <param name="work">Starts the flights, and ends them when the owner is disposed.</param>
    public KeyFlights(SharedWork work) => _work = work;

    /// <summary>Starts to fetch a key, or joins the fetch under way, and waits for it.</summary>
    /// <param name="id">The id of the key.</param>
    /// <param name="fetch">Fetches the key.</param>
    /// <param name="isCached">
    /// Whether the cache has the key now. Asked before a flight starts: the last flight may have ended after the caller's miss.
    /// </param>
    /// <param name="cancellationToken">Ends the wait, not the flight.</param>
    /// <returns>The caller's use of the flight, to dispose after the key was used; null if the cache has the key.</returns>
    public async Task<Seat?> JoinAsync(
        ReadOnlyMemory<byte> id, Func<CancellationToken, Task<T>> fetch, Func<bool> isCached, CancellationToken cancellationToken)
    {
        if (Board(id.Span, fetch, isCached) is not { } flight)
        {
            return null;
        }

        try
        {
            return new Seat(this, flight, await flight.Landing!.WaitAsync(cancellationToken).ConfigureAwait(false));
        }
        catch
        {
            // Also after a failed flight or a cancelled wait: Board has counted this caller.
            Leave(flight);
            throw;
        }
    }

    private Flight? Board(ReadOnlySpan<byte> id, Func<CancellationToken, Task<T>> fetch, Func<bool> isCached)
    {
        lock (_gate)
        {
            RingDisposed.ThrowIf(_work.Disposed.IsCancellationRequested);
            Flight? flight = null;
            if (_flights?.GetAlternateLookup<ReadOnlySpan<byte>>().TryGetValue(id, out flight) != true || flight is null)
            {
                // Asked under the lock: a flight is removed only after the cache has its key, so a caller finds the one or the other.
                if (isCached())
                {
                    return null;
                }

                var started = flight = new Flight(id.ToArray());
                (_flights ??= new(BytesComparer.Instance)).Add(flight.Id, flight);

                // Set before the lock is released, so each caller that finds the flight also finds its task.
                flight.Landing = _work.Start(() => FlyAsync(started, fetch));
            }

            // Counted under the lock: a flight that lands without callers erases its key.
            flight.Callers++;
            return flight;
        }
    }

    private async Task<T> FlyAsync(Flight flight, Func<CancellationToken, Task<T>> fetch)
    {
        try
        {
            // Not the first caller's token: other callers may wait for the same key.
            var key = await fetch(_work.Disposed).ConfigureAwait(false);
            lock (_gate)
            {
                flight.Key = key;

                // Keeps the key alive until the last caller has left, even if a caller gives it to the cache and the cache evicts it.
                key.Key.TryEnter();

                // All callers may have cancelled by now. Then no other code would erase the key.
                EndIfEmpty(flight);
            }

            return key;
        }
        catch (Exception e)
        {
            // A failure is not kept: the next caller starts a new flight.
            lock (_gate)
            {
                Remove(flight);
            }

            // No caller cancelled the flight, so its callers get the disposal instead of a cancellation.
            RingDisposed.ThrowIf(e is OperationCanceledException && _work.Disposed.IsCancellationRequested);
            throw;
        }
    }

    private void Leave(Flight flight)
    {
        lock (_gate)
        {
            flight.Callers--;
            EndIfEmpty(flight);
        }
    }

    /// <summary>Gives the key to the cache, once. The flight is removed after that, so that a caller finds the one or the other.</summary>
    private void HandOver(Flight flight, Action<byte[], T> take, T key)
    {
        // Several callers may authenticate their messages at the same time. The first one gives the key to the cache.
        if (Interlocked.Exchange(ref flight.WasHandedOver, true))
        {
            return;
        }

        // Outside the lock: the cache has its own, and what it does may erase keys. The caller's seat keeps this key alive.
        take(flight.Id, key);
        lock (_gate)
        {
            // Still this flight's entry: no other flight of this id starts before it is removed.
            Remove(flight);
        }
    }

    /// <summary>Erases the key once it has arrived and the last caller has left, unless the cache owns it.</summary>
    private void EndIfEmpty(Flight flight)
    {
        if (flight.Callers > 0 || flight.Key is not { } key)
        {
            return;
        }

        // A newer flight may have the same id, if this one's key is already in the cache.
        if (_flights?.GetValueOrDefault(flight.Id) == flight)
        {
            Remove(flight);
        }

        flight.Key = null;

        // Ends the use that FlyAsync began. Without this, the cache's disposal of the key would never erase the bytes.
        key.Key.Exit();

        // One owner at a time. The caller that sets this flag still has its seat then, so the flag is final here.
        if (!flight.WasHandedOver)
        {
            key.Dispose();
        }
    }

    private void Remove(Flight flight)
    {
        _flights?.Remove(flight.Id);
        _flights = _flights is { Count: > 0 } ? _flights : null;
    }

    /// <summary>One caller's use of a flight's key.</summary>
    internal sealed class Seat(KeyFlights<T> flights, Flight flight, T key) : IDisposable
    {
        public T Key => key;

        /// <summary>Gives the key to a cache. Only the first such call of a flight has an effect.</summary>
        /// <param name="take">Gives the cache the flight's id and the key.</param>
        public void HandOver(Action<byte[], T> take) => flights.HandOver(flight, take, key);

        public void Dispose() => flights.Leave(flight);
    }

    internal sealed class Flight(byte[] id)
    {
        public bool WasHandedOver;

        public byte[] Id => id;

        public Task<T>? Landing { get; set; }

        public T? Key { get; set; }

        public int Callers { get; set; }
    }
}
