namespace Scalr.Byok.Kms.DataKeys;

/// <summary>How long an open data key may be used: until it is disposed or revoked, or AWS KMS has not confirmed it for too long. Then it is erased, for good.</summary>
internal sealed class KeyTenure
{
    private static readonly object Disposed = new();
    private static readonly object Expired = new();

    private readonly ValueCipher _cipher;
    private readonly TenureTerms _terms;
    private readonly OpenDataKeys _owner;
    private readonly WeakReference<ByokDataKey> _holder = new(null!);
    private volatile bool _wasUsed;
    private Action? _release;

    /// <summary>Why it has ended: one of the two above, or the refusal. Null as long as it has not.</summary>
    private object? _end;

    /// <param name="cipher">What is erased at the end.</param>
    /// <param name="origin">Where the key comes from.</param>
    /// <param name="terms">How long it lasts.</param>
    /// <param name="owner">Has it until it ends.</param>
    public KeyTenure(ValueCipher cipher, KeyOrigin origin, TenureTerms terms, OpenDataKeys owner)
    {
        _cipher = cipher;
        Origin = origin;
        _terms = terms;
        _owner = owner;
    }

    public KeyOrigin Origin { get; }

    private TimeSpan Age => _terms.Time.GetElapsedTime(Origin.Confirmed);

    /// <summary>Who uses the key. Once nobody has that any more, the key is forgotten.</summary>
    public void HoldBy(ByokDataKey holder) => _holder.SetTarget(holder);

    /// <summary>The key is used.</summary>
    /// <exception cref="ByokException">It may not be used any more.</exception>
    /// <exception cref="ObjectDisposedException">It is disposed, or its ring is.</exception>
    public void Use()
    {
        if (Volatile.Read(ref _end) is not null)
        {
            throw Failure();
        }

        if (!_wasUsed)
        {
            _wasUsed = true;
        }

        _terms.Touch();
        var age = Age;
        if (age >= _terms.MaxAge && !(Origin.IsFailing && age < _terms.Longest))
        {
            EndIfOver();
            throw NotConfirmed();
        }
    }

    /// <summary>Whether the key was used since this was asked last.</summary>
    public bool TakeUse()
    {
        var was = _wasUsed;
        _wasUsed = false;
        return was;
    }

    /// <summary>What to throw at whoever uses the key when it has ended.</summary>
    public Exception Failure() => Volatile.Read(ref _end) switch
    {
        ByokKeyUnavailableException refusal => new ByokKeyUnavailableException(refusal.KeyArn, refusal.Reason, refusal.Operation, refusal.RequestId),
        var end when end == Expired => NotConfirmed(),
        _ => new ObjectDisposedException(nameof(ByokDataKey)),
    };

    /// <summary>Ends it if its time is over, or if it is forgotten.</summary>
    public void EndIfOver()
    {
        if (Age >= _terms.Longest)
        {
            End(Expired);
        }
        else if (!_holder.TryGetTarget(out _))
        {
            Close();
        }
    }

    /// <summary>Ends it because AWS says that the customer's key cannot be used.</summary>
    public void Revoke(ByokKeyUnavailableException refusal) => End(refusal);

    /// <summary>Ends it because nobody wants the key any more.</summary>
    public void Close()
    {
        Volatile.Write(ref _end, Disposed);
        End(Disposed);
    }

    /// <summary>Has something done when it ends, or at once if it has ended.</summary>
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
        _owner.Remove(this);
        Release();
    }

    private void Release() => Interlocked.Exchange(ref _release, null)?.Invoke();

    private ByokServiceException NotConfirmed() => new(
        $"The data key was not confirmed by AWS KMS within {_terms.MaxAge:c}, so it may not be used any more. Open it again with {nameof(IByokKeyRing.OpenDataKeyAsync)}.");
}
