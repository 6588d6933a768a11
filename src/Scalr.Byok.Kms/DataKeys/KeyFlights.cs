using Scalr.Byok.Kms.Errors;
using Scalr.Byok.Kms.Resilience;

namespace Scalr.Byok.Kms.DataKeys;

/// <summary>Data keys that are being fetched. Concurrent misses share one call. Each caller can cancel its own wait. Safe for concurrent use.</summary>
/// <remarks>
/// A flight owns its key until one of its callers hands it to a cache, or the last of them leaves. So a message that is not authentic puts nothing into a cache, and
/// evicts nothing.
/// </remarks>
/// <typeparam name="T">A data key with what belongs to it.</typeparam>
internal sealed class KeyFlights<T>
    where T : class, ICachedKey
{
    private readonly Lock _gate = new();
    private readonly Dictionary<byte[], Flight> _flights = new(BytesComparer.Instance);
    private readonly CancellationToken _disposed;

    /// <param name="disposed">Ends all flights; cancelled by the owner when it is disposed.</param>
    public KeyFlights(CancellationToken disposed) => _disposed = disposed;

    /// <summary>Starts to fetch a key, or joins the flight that is under way, and waits for it.</summary>
    /// <param name="id">What the key is known by.</param>
    /// <param name="fetch">Fetches the key.</param>
    /// <param name="isCached">Whether the cache has the key by now. Asked before a flight starts: the last flight may have landed since the caller's miss.</param>
    /// <param name="cancellationToken">Ends the wait, not the flight.</param>
    /// <returns>The caller's seat, which it disposes when it has used the key; null if the cache has the key.</returns>
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
            Leave(flight);
            throw;
        }
    }

    private Flight? Board(ReadOnlySpan<byte> id, Func<CancellationToken, Task<T>> fetch, Func<bool> isCached)
    {
        lock (_gate)
        {
            RingDisposed.ThrowIf(_disposed.IsCancellationRequested);
            var flights = _flights.GetAlternateLookup<ReadOnlySpan<byte>>();
            if (!flights.TryGetValue(id, out var flight))
            {
                if (isCached())
                {
                    return null;
                }

                var started = flight = new Flight(id.ToArray());
                _flights.Add(flight.Id, flight);
                flight.Landing = SharedWork.Start(() => FlyAsync(started, fetch));
            }

            flight.Callers++;
            return flight;
        }
    }

    private async Task<T> FlyAsync(Flight flight, Func<CancellationToken, Task<T>> fetch)
    {
        try
        {
            var key = await fetch(_disposed).ConfigureAwait(false);
            lock (_gate)
            {
                flight.Key = key;
                key.Key.TryEnter(); // the flight's own use, until its last caller has left
                EndIfEmpty(flight);
            }

            return key;
        }
        catch (Exception e)
        {
            lock (_gate)
            {
                _flights.Remove(flight.Id);
            }

            RingDisposed.ThrowIf(e is OperationCanceledException && _disposed.IsCancellationRequested);
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

    /// <summary>Hands the key over once. The flight ends after the cache has it, so that a caller finds the one or the other.</summary>
    private void HandOver(Flight flight, Action<byte[], T> take, T key)
    {
        if (Interlocked.Exchange(ref flight.WasHandedOver, true))
        {
            return;
        }

        take(flight.Id, key);
        lock (_gate)
        {
            _flights.Remove(flight.Id);
        }
    }

    /// <summary>Once the key is there and the last caller has left, nobody will use it any more, unless a cache has it.</summary>
    private void EndIfEmpty(Flight flight)
    {
        if (flight.Callers > 0 || flight.Key is not { } key)
        {
            return;
        }

        if (_flights.TryGetValue(flight.Id, out var current) && current == flight)
        {
            _flights.Remove(flight.Id);
        }

        flight.Key = null;
        key.Key.Exit();
        if (!flight.WasHandedOver)
        {
            key.Key.Dispose();
        }
    }

    /// <summary>One caller's use of a flight's key.</summary>
    internal readonly struct Seat(KeyFlights<T> flights, Flight flight, T key) : IDisposable
    {
        public T Key => key;

        /// <summary>Hands the key to a cache. Only the first caller of the flight that does so has an effect.</summary>
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
