using System.Diagnostics;

namespace Scalr.Byok.Kms.KeyRing;

/// <summary>A tenant's ring from one look-up in the store: in use as long as calls have entered it, and disposed when it is retired and the last of them has left.</summary>
internal sealed class TenantRing
{
    /// <summary>The sign bit of <see cref="_state"/>, whose other bits count the calls that are inside.</summary>
    private const int Retired = int.MinValue;

    private readonly TimeProvider _time;
    private TaskCompletionSource<TracedKeyRing>? _making = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private TracedKeyRing? _ring;
    private long _lastUse;
    private int _state;
    private volatile bool _closed;

    public TenantRing(KeyRingProvider provider, string tenant, TimeProvider time)
    {
        Handle = new TenantKeyRing(provider, tenant, this);
        _time = time;
        _lastUse = time.GetTimestamp();
    }

    /// <summary>What is handed out.</summary>
    public TenantKeyRing Handle { get; }

    /// <summary>The key that encrypts, once the ring is there; stays when it is gone.</summary>
    public KmsKeyArn KeyArn { get; private set; }

    /// <summary>The ring, if it is there.</summary>
    public TracedKeyRing? Ring => Volatile.Read(ref _ring);

    /// <summary>Whether the look-up is done and the ring not retired.</summary>
    public bool IsInUse => Volatile.Read(ref _ring) is not null && Volatile.Read(ref _state) >= 0;

    /// <summary>Enters the ring; false if it is retired. Whoever has entered may wait for it and leaves it with <see cref="Exit"/>.</summary>
    public bool TryEnter()
    {
        var state = Volatile.Read(ref _state);
        while (state >= 0)
        {
            var seen = Interlocked.CompareExchange(ref _state, state + 1, state);
            if (seen == state)
            {
                return true;
            }

            state = seen;
        }

        return false;
    }

    /// <summary>Leaves the ring.</summary>
    /// <param name="isUse">Whether it was used, so that its idle time begins anew.</param>
    public void Exit(bool isUse)
    {
        if (isUse)
        {
            Volatile.Write(ref _lastUse, _time.GetTimestamp());
        }

        if (Interlocked.Decrement(ref _state) == Retired)
        {
            DisposeRing();
        }
    }

    /// <summary>The ring, for whoever has entered.</summary>
    /// <exception cref="ObjectDisposedException">The provider was disposed.</exception>
    public ValueTask<TracedKeyRing> GetAsync(CancellationToken cancellationToken)
    {
        Debug.Assert((Volatile.Read(ref _state) & ~Retired) > 0, "whoever asks has entered");
        var making = Volatile.Read(ref _making);
        if (making is not null)
        {
            return new ValueTask<TracedKeyRing>(making.Task.WaitAsync(cancellationToken));
        }

        var ring = Volatile.Read(ref _ring);
        ObjectDisposedException.ThrowIf(ring is null, typeof(IByokKeyRingProvider));
        return new ValueTask<TracedKeyRing>(ring);
    }

    /// <summary>The look-up is done.</summary>
    public void Complete(TracedKeyRing ring)
    {
        KeyArn = ring.KeyArn;
        Interlocked.Exchange(ref _ring, ring); // before the state is looked at below, as Exit and Close look at both in the other order
        var making = _making!;
        Volatile.Write(ref _making, null);
        making.TrySetResult(ring);
        if (_closed || Volatile.Read(ref _state) == Retired)
        {
            DisposeRing();
        }
    }

    /// <summary>The look-up failed: for all who wait, and who still come.</summary>
    public void Fail(Exception error)
    {
        var making = _making!;
        making.TrySetException(error);
        _ = making.Task.Exception; // maybe nobody waits any more
    }

    /// <summary>Lets nobody in any more; disposed once all are out.</summary>
    public void Retire()
    {
        if (Interlocked.Or(ref _state, Retired) == 0)
        {
            DisposeRing();
        }
    }

    /// <summary>Retires the ring if nobody is inside and nobody was for so long.</summary>
    public bool RetireIfIdle(TimeSpan timeout)
    {
        if (Volatile.Read(ref _state) == 0 && _time.GetElapsedTime(Volatile.Read(ref _lastUse)) >= timeout
            && Interlocked.CompareExchange(ref _state, Retired, 0) == 0)
        {
            DisposeRing();
            return true;
        }

        return false;
    }

    /// <summary>Disposes the ring at once, whoever is inside.</summary>
    public void Close()
    {
        _closed = true;
        Interlocked.Or(ref _state, Retired);
        if (Volatile.Read(ref _making) is { } making)
        {
            making.TrySetException(new ObjectDisposedException(nameof(IByokKeyRingProvider))); // the store may never answer
            _ = making.Task.Exception;
        }

        DisposeRing();
    }

    /// <summary>Probes the ring, which is no use of it; null if it is retired.</summary>
    public async Task<KeyHealth?> ProbeAsync(CancellationToken cancellationToken)
    {
        if (!TryEnter())
        {
            return null;
        }

        try
        {
            var ring = await GetAsync(cancellationToken).ConfigureAwait(false);
            return await ring.ProbeAsync(cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            Exit(isUse: false);
        }
    }

    private void DisposeRing()
    {
        try
        {
            Interlocked.Exchange(ref _ring, null)?.Dispose();
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            // Credentials of the host's own strategies may throw. Neither the call that happens to be the last must fail for it nor the timer's thread; the cached
            // data keys are erased before them.
        }
    }
}
