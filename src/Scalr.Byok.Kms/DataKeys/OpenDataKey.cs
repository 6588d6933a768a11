using Scalr.Byok.Kms.Resilience;

namespace Scalr.Byok.Kms.DataKeys;

/// <summary>
/// The state behind an open <see cref="ByokDataKey"/>: has a lease of its cipher, and checks each use. Safe for concurrent use.
/// </summary>
internal sealed class OpenDataKey
{
    private static readonly object Closed = new();

    private readonly ValueCipher _cipher;
    private readonly OpenDataKeys _registry;
    private readonly AgeClock _clock;

    // Weak, because the registry references this object: a strong reference would keep a data key open that the application has lost.
    private readonly WeakReference<ByokDataKey?> _holder = new(null);

    // Null while it is open. Then Closed, or the denial that closed it.
    private object? _end;

    // Ends the lease of the ring. Exchanged, so that it runs once, also if two threads close the data key.
    private Action? _release;

    /// <param name="cipher">The cipher. Takes the caller's lease of it.</param>
    /// <param name="access">Decides whether keys under the wrapping key may be used.</param>
    /// <param name="origin">The origin of the data key.</param>
    /// <param name="registry">Contains this data key until it is closed.</param>
    /// <param name="clock">The clock.</param>
    public OpenDataKey(ValueCipher cipher, KeyAccess access, Origin origin, OpenDataKeys registry, AgeClock clock)
    {
        _cipher = cipher;
        Access = access;
        Origin = origin;
        _registry = registry;
        _clock = clock;
    }

    public KeyAccess Access { get; }

    public Origin Origin { get; }

    /// <summary>Whether the application still references the data key.</summary>
    public bool IsReferenced => _holder.TryGetTarget(out _);

    /// <summary>Sets the object that the application holds, without keeping it alive.</summary>
    public void HoldBy(ByokDataKey holder) => _holder.SetTarget(holder);

    /// <summary>Checks that the data key may be used now.</summary>
    /// <returns>The present time, in ticks of <see cref="TimeSpan"/>.</returns>
    /// <exception cref="ByokException">The data key may not be used.</exception>
    /// <exception cref="ObjectDisposedException">The data key is closed.</exception>
    public long Use(KeyUse use)
    {
        // First: Permits does not know a denial of one encryption context. It is found only here.
        if (Volatile.Read(ref _end) is not null)
        {
            throw Failure();
        }

        // Decided from known facts alone: encryption of a value never waits for AWS. What is missing is requested in the background.
        var now = _clock.Now;
        if (!Access.Permits(use, Origin, now))
        {
            var missing = Access.StartMissing(use, Origin);
            throw missing is ByokKeyUnavailableException denial ? denial.ForCaller() : missing;
        }

        Access.RenewIfLate(Origin, now);
        return now;
    }

    /// <summary>The exception for a use after the data key was closed.</summary>
    public Exception Failure() =>
        Volatile.Read(ref _end) is ByokKeyUnavailableException denial
            ? new ByokKeyUnavailableException(denial, "This data key was closed then. Open it again once the key can be used.").ForCaller()
            : new ObjectDisposedException(nameof(ByokDataKey));

    /// <summary>Closes the data key because AWS denies its use.</summary>
    public void Deny(ByokKeyUnavailableException denial)
    {
        if (Interlocked.CompareExchange(ref _end, denial, null) is null)
        {
            End();
        }
    }

    /// <summary>Closes the data key because the application disposed it, or no longer references it.</summary>
    public void Close()
    {
        // Also replaces a denial: after a disposal, calls throw ObjectDisposedException.
        if (Interlocked.Exchange(ref _end, Closed) is null)
        {
            End();
        }
    }

    /// <summary>Runs an action when the data key is closed, or at once if it is.</summary>
    public void OnEnd(Action release)
    {
        // Stored before the check: if End runs in between, one of the two calls finds the action, and the exchange in Release runs it once.
        Interlocked.Exchange(ref _release, release);
        if (Volatile.Read(ref _end) is not null)
        {
            Release();
        }
    }

    /// <summary>Runs once: on the thread that set the cause, in place of null.</summary>
    private void End()
    {
        // After the cause was published, so that a use that finds the cipher erased also finds the cause.
        _cipher.EndLease();
        _registry.Remove(this);
        Release();
    }

    private void Release() => Interlocked.Exchange(ref _release, null)?.Invoke();
}
