using System.Diagnostics;
using Scalr.Byok.Kms.Resilience;

namespace Scalr.Byok.Kms.KeyRing;

/// <summary>
/// A key ring made from one set of settings. Calls lease it. It is disposed once it is retired and the last lease has ended.
/// </summary>
internal sealed class LeasedRing
{
    /// <summary>The sign bit of <see cref="_state"/>. The other bits count the leases.</summary>
    private const int Retired = int.MinValue;

    private readonly TimeProvider _time;
    private TaskCompletionSource<ByokKeyRing>? _making;
    private ByokKeyRing? _ring;
    private readonly long _made;
    private SettingsReads? _reads;
    private long _lastUse;
    private int _state;
    private volatile bool _closed;

    /// <summary>Creates a place for a ring that is made later, after its settings were read.</summary>
    /// <param name="time">The clock.</param>
    public LeasedRing(TimeProvider time)
    {
        // Otherwise the calls that wait would run on the thread that read the store.
        _making = new(TaskCreationOptions.RunContinuationsAsynchronously);
        _time = time;
        _made = _lastUse = time.GetTimestamp();
    }

    /// <summary>Creates a place for an existing ring.</summary>
    /// <param name="ring">The ring. Takes ownership.</param>
    /// <param name="identity">The identity of its settings.</param>
    /// <param name="time">The clock.</param>
    public LeasedRing(ByokKeyRing ring, SettingsIdentity identity, TimeProvider time)
    {
        _ring = ring;
        Rule = ring.Rule;
        Identity = identity;
        _time = time;
        _made = _lastUse = time.GetTimestamp();
    }

    /// <summary>The key ring that callers of a tenant get; null for a ring of <c>AddKeyRing</c>.</summary>
    public ForwardingKeyRing? Handle { get; set; }

    /// <summary>How recent the tenant's settings are; null unless instances share what they know.</summary>
    public FleetSettings? Fleet { get; set; }

    /// <summary>The key that encrypts, once the ring is made. Stays when the ring is disposed.</summary>
    public KmsKeyArn KeyArn => Rule?.KeyArn ?? default;

    /// <summary>Decides which messages are encrypted again, once the ring is made. Stays when the ring is disposed.</summary>
    public ReencryptionRule? Rule { get; private set; }

    /// <summary>The identity of the ring's settings, once it is made.</summary>
    public SettingsIdentity Identity { get; private set; }

    /// <summary>The ring; null if it is not made yet, or is disposed.</summary>
    public ByokKeyRing? Ring => Volatile.Read(ref _ring);

    /// <summary>Whether the ring is made and not retired.</summary>
    public bool IsInUse => Volatile.Read(ref _ring) is not null && Volatile.Read(ref _state) >= 0;

    /// <summary>The reads of the tenant's settings after denials. Created on first use: most rings are never denied.</summary>
    public SettingsReads ReadsOn(SharedWork work) =>
        LazyInitializer.EnsureInitialized(ref _reads, () => new SettingsReads(_time, work, _made));

    /// <summary>Takes over the reads of the ring that this one replaces.</summary>
    public void ContinueReadsOf(LeasedRing old) => _reads = old._reads;

    /// <summary>Starts a lease, which ends with <see cref="Exit"/>; false if the ring is retired.</summary>
    public bool TryEnter()
    {
        // One number holds both the leases and the retirement, so that no lease can start once the last one has ended on a retired ring.
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

    /// <summary>Ends a lease.</summary>
    /// <param name="isUse">Whether the ring was used, which restarts its idle time.</param>
    public void Exit(bool isUse)
    {
        if (isUse)
        {
            Volatile.Write(ref _lastUse, _time.GetTimestamp());
        }

        // Retired is the sign bit, so this is true exactly when the last lease of a retired ring ends.
        if (Interlocked.Decrement(ref _state) == Retired)
        {
            DisposeRing();
        }
    }

    /// <summary>Returns the ring, during a lease.</summary>
    /// <param name="cancellationToken">Ends the wait for a ring that is being made.</param>
    /// <exception cref="ObjectDisposedException">The ring was closed.</exception>
    public ValueTask<ByokKeyRing> GetAsync(CancellationToken cancellationToken)
    {
        Debug.Assert((Volatile.Read(ref _state) & ~Retired) > 0, "the caller has a lease");

        // Read before the ring: Complete stores the ring before it clears this, so null here means that the ring was stored.
        var making = Volatile.Read(ref _making);
        if (making is not null)
        {
            return new ValueTask<ByokKeyRing>(making.Task.WaitAsync(cancellationToken));
        }

        var ring = Volatile.Read(ref _ring);
        ObjectDisposedException.ThrowIf(ring is null, typeof(IByokKeyRing));
        return new ValueTask<ByokKeyRing>(ring);
    }

    /// <summary>Stores the ring that was made.</summary>
    /// <param name="ring">The ring. Takes ownership.</param>
    /// <param name="identity">The identity of its settings.</param>
    public void Complete(ByokKeyRing ring, SettingsIdentity identity)
    {
        Rule = ring.Rule;
        Identity = identity;
        // before the state is read below; Exit and Close read state and ring in the opposite order, so one of them disposes it
        Interlocked.Exchange(ref _ring, ring);
        var making = _making!;

        // After the ring is stored: GetAsync reads the two in the opposite order.
        Volatile.Write(ref _making, null);

        // Fails if Close was first. Then the calls have their exception, and the ring is disposed below.
        making.TrySetResult(ring);
        if (_closed || Volatile.Read(ref _state) == Retired)
        {
            DisposeRing();
        }
    }

    /// <summary>Records that the ring could not be made. Current and later callers get the error.</summary>
    public void Fail(Exception error)
    {
        var making = _making!;

        // _making stays, so that later calls get the error too.
        making.TrySetException(error);

        // Observed, because there may be no caller left.
        _ = making.Task.Exception;
    }

    /// <summary>Prevents new leases. The ring is disposed when the last lease ends.</summary>
    public void Retire()
    {
        // The old value is 0 if there was no lease and the ring was not retired before. Then no later Exit disposes it.
        if (Interlocked.Or(ref _state, Retired) == 0)
        {
            DisposeRing();
        }
    }

    /// <summary>Retires the ring if it has no lease and was idle for a time.</summary>
    public bool RetireIfIdle(TimeSpan timeout)
    {
        // The exchange fails if a lease has started since the check, so a ring in use is never retired as idle.
        if (Volatile.Read(ref _state) == 0 && _time.GetElapsedTime(Volatile.Read(ref _lastUse)) >= timeout
            && Interlocked.CompareExchange(ref _state, Retired, 0) == 0)
        {
            DisposeRing();
            return true;
        }

        return false;
    }

    /// <summary>Disposes the ring at once, even during leases.</summary>
    /// <param name="disposed">The name of the object for the exception of calls.</param>
    public void Close(string disposed)
    {
        // Before the ring is taken: Complete stores a ring and then reads this. So one of the two disposes that ring.
        _closed = true;
        Interlocked.Or(ref _state, Retired);
        if (Volatile.Read(ref _making) is { } making)
        {
            // The store may never answer.
            making.TrySetException(new ObjectDisposedException(disposed));
            _ = making.Task.Exception;
        }

        DisposeRing();
    }

    /// <summary>Probes the ring; null if it is retired. A probe does not count as use.</summary>
    public async Task<ByokKeyHealth?> ProbeAsync(CancellationToken cancellationToken)
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
            // Exchanged: several threads may come here, and one of them disposes.
            Interlocked.Exchange(ref _ring, null)?.Dispose();
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            // The host's own strategy may throw. Neither the last call nor the timer's thread may fail for that. The data keys are erased
            // before the credentials are disposed.
        }
    }
}
