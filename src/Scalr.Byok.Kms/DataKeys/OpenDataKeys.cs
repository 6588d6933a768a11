using Scalr.Byok.Kms.Errors;

namespace Scalr.Byok.Kms.DataKeys;

/// <summary>The open data keys of one ring. Safe for concurrent use.</summary>
internal sealed class OpenDataKeys : IDisposable
{
    private readonly Lock _gate = new();

    // Created by the first open data key: most rings have none.
    private HashSet<OpenDataKey>? _keys;
    private bool _disposed;

    public bool IsEmpty
    {
        get
        {
            lock (_gate)
            {
                return _keys is null or { Count: 0 };
            }
        }
    }

    private OpenDataKey[] All
    {
        get
        {
            lock (_gate)
            {
                // A copy, so that no data key is closed under the lock.
                return [.. _keys ?? []];
            }
        }
    }

    /// <exception cref="ObjectDisposedException">The ring was disposed.</exception>
    public void Add(OpenDataKey key)
    {
        lock (_gate)
        {
            // Checked under the lock that Dispose takes before it copies the set: a key is either rejected here or closed there.
            RingDisposed.ThrowIf(_disposed);
            (_keys ??= []).Add(key);
        }
    }

    public void Remove(OpenDataKey key)
    {
        lock (_gate)
        {
            _keys?.Remove(key);
        }
    }

    /// <summary>Closes the data keys that a denial concerns.</summary>
    /// <returns>The number of data keys.</returns>
    public int Deny(KeyAccess access, DenialScope scope, ByokKeyUnavailableException denial)
    {
        // A copy of the list, outside the lock: closing a data key removes it from here and releases its ring.
        var denied = Array.FindAll(All, key => key.Access == access && scope.Concerns(key.Origin.ContextId));
        Array.ForEach(denied, key => key.Deny(denial));
        return denied.Length;
    }

    /// <summary>Closes the data keys that the application no longer references.</summary>
    /// <returns>One origin for each wrapping key that still has open data keys.</returns>
    public IReadOnlyList<(KeyAccess Access, Origin Origin)> CloseUnreferenced()
    {
        // A copy, because closing a data key removes it from the set.
        foreach (var key in All)
        {
            if (!key.IsReferenced)
            {
                key.Close();
            }
        }

        lock (_gate)
        {
            // One is enough: the facts to keep fresh are those of the wrapping key.
            return [.. (_keys ?? []).DistinctBy(static key => key.Access).Select(static key => (key.Access, key.Origin))];
        }
    }

    public Origin? FindOrigin(KeyAccess access, ReadOnlyMemory<byte> contextId) =>
        Array.Find(All, key => key.Access == access && key.Origin.IsIn(contextId))?.Origin;

    /// <summary>The origin of the data key with this ciphertext and encryption context; null if there is none.</summary>
    public Origin? FindOrigin(KeyAccess access, ReadOnlyMemory<byte> ciphertext, ReadOnlyMemory<byte> contextId)
    {
        lock (_gate)
        {
            // Under the lock and without a copy: each kms:Decrypt of the ring comes here.
            foreach (var key in _keys ?? [])
            {
                if (key.Access == access && key.Origin.Ciphertext.Span.SequenceEqual(ciphertext.Span) && key.Origin.IsIn(contextId))
                {
                    return key.Origin;
                }
            }

            return null;
        }
    }

    /// <summary>Closes all data keys. None can be added after that.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            _disposed = true;
        }

        // After the flag, so the copy has every data key that was ever added. Outside the lock, because a closed data key removes itself.
        Array.ForEach(All, static key => key.Close());
    }
}
