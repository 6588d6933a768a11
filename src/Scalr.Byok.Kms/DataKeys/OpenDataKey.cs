using Scalr.Byok.Kms.Resilience;

namespace Scalr.Byok.Kms.DataKeys;

/// <summary>The lifetime of an open <see cref="ByokDataKey"/>: owns its cipher, and decides at each use whether it may be used. Safe for concurrent use.</summary>
internal sealed class OpenDataKey
{
    private static readonly object Closed = new();

    private readonly ValueCipher _cipher;
    private readonly OpenDataKeys _registry;
    private readonly AgeClock _clock;
    private readonly WeakReference<ByokDataKey?> _holder = new(null);
    private object? _end; // Closed, or the denial that ended it
    private Action? _release;

    /// <param name="cipher">Erased at the end.</param>
    /// <param name="access">Decides whether keys under the wrapping key may be used.</param>
    /// <param name="origin">Where the data key comes from.</param>
    /// <param name="registry">Has it until it ends.</param>
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

    /// <summary>Whether the application still has a reference to the data key.</summary>
    public bool IsReferenced => _holder.TryGetTarget(out _);

    /// <summary>The data key that the application holds.</summary>
    public void HoldBy(ByokDataKey holder) => _holder.SetTarget(holder);

    /// <summary>Checks that the data key may be used now.</summary>
    /// <exception cref="ByokException">It may not.</exception>
    /// <exception cref="ObjectDisposedException">It is closed.</exception>
    public void Use(KeyUse use)
    {
        if (Volatile.Read(ref _end) is not null)
        {
            throw Failure();
        }

        var now = _clock.Now;
        if (!Access.Permits(use, Origin, now))
        {
            throw Access.StartMissing(use, Origin);
        }

        Access.RenewIfLate(Origin, now);
    }

    /// <summary>What to throw for a use after the end.</summary>
    public Exception Failure() => Volatile.Read(ref _end) is ByokKeyUnavailableException denial ? Denial.Copy(denial) : new ObjectDisposedException(nameof(ByokDataKey));

    /// <summary>AWS denies the use of the key.</summary>
    public void Deny(ByokKeyUnavailableException denial) => End(denial);

    /// <summary>Nobody needs the data key any more.</summary>
    public void Close()
    {
        Volatile.Write(ref _end, Closed); // also in place of a denial
        End(Closed);
    }

    /// <summary>Runs an action at the end, or at once if it has ended.</summary>
    public void OnEnd(Action release)
    {
        Interlocked.Exchange(ref _release, release);
        if (Volatile.Read(ref _end) is not null)
        {
            Release();
        }
    }

    private void End(object cause)
    {
        Interlocked.CompareExchange(ref _end, cause, null);
        _cipher.Dispose();
        _registry.Remove(this);
        Release();
    }

    private void Release() => Interlocked.Exchange(ref _release, null)?.Invoke();
}
