namespace Scalr.Byok.Kms.DataKeys;

/// <summary>The open data keys of one ring: erased when the customer takes the key away, when they are forgotten, and with the ring.</summary>
internal sealed class OpenDataKeys : IDisposable
{
    private readonly Lock _gate = new();
    private readonly HashSet<KeyTenure> _keys = [];
    private readonly Dictionary<KmsKeyArn, int> _revoked = [];
    private int _revocations;
    private bool _disposed;

    /// <summary>How many revocations there were; a key whose opening began before the last of them is not let in.</summary>
    public int Revocations => Volatile.Read(ref _revocations);

    private KeyTenure[] All
    {
        get
        {
            lock (_gate)
            {
                return [.. _keys];
            }
        }
    }

    /// <summary>Takes a key in; false if its wrapping key was revoked since its opening began.</summary>
    /// <param name="key">The key.</param>
    /// <param name="revocations">What <see cref="Revocations"/> was then.</param>
    /// <exception cref="ObjectDisposedException">The ring was disposed.</exception>
    public bool TryAdd(KeyTenure key, int revocations)
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_disposed, typeof(IByokKeyRing));
            return !_revoked.Any(one => one.Value > revocations && key.Origin.IsOf(one.Key)) && _keys.Add(key);
        }
    }

    /// <summary>A key that has ended.</summary>
    public void Remove(KeyTenure key)
    {
        lock (_gate)
        {
            _keys.Remove(key);
        }
    }

    /// <summary>Ends every key that this customer's key unwraps.</summary>
    /// <returns>How many there were.</returns>
    public int Revoke(KmsKeyArn owner, ByokKeyUnavailableException refusal)
    {
        KeyTenure[] revoked;
        lock (_gate)
        {
            _revoked[owner] = ++_revocations;
            revoked = [.. _keys.Where(key => key.Origin.IsOf(owner))];
        }

        Array.ForEach(revoked, key => key.Revoke(refusal));
        return revoked.Length;
    }

    /// <summary>Ends what has had its time or is forgotten.</summary>
    /// <returns>Whether any is left.</returns>
    public bool Sweep()
    {
        Array.ForEach(All, static key => key.EndIfOver());
        lock (_gate)
        {
            return _keys.Count > 0;
        }
    }

    /// <summary>Where the keys come from that were used since this was asked last, each wrapped form once.</summary>
    public IReadOnlyList<KeyOrigin> TakeUsed() => [.. All.Where(static key => key.TakeUse()).Select(static key => key.Origin).DistinctBy(static origin => origin.Encrypted)];

    /// <summary>AWS KMS has unwrapped this wrapped form.</summary>
    /// <param name="encrypted">The wrapped form.</param>
    /// <param name="asked">The timestamp of just before it was asked.</param>
    public void Confirm(EncryptedDataKey encrypted, long asked) => ForEach(encrypted, origin => origin.Confirm(asked));

    /// <summary>AWS did not answer when it was asked to unwrap this wrapped form.</summary>
    public void Fail(EncryptedDataKey encrypted) => ForEach(encrypted, static origin => origin.Fail());

    public void Dispose()
    {
        lock (_gate)
        {
            _disposed = true;
        }

        Array.ForEach(All, static key => key.Close());
    }

    private void ForEach(EncryptedDataKey encrypted, Action<KeyOrigin> action)
    {
        foreach (var key in All)
        {
            if (key.Origin.Encrypted.Equals(encrypted))
            {
                action(key.Origin);
            }
        }
    }
}
