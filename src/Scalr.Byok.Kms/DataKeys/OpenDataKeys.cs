using Scalr.Byok.Kms.Errors;

namespace Scalr.Byok.Kms.DataKeys;

/// <summary>The open data keys of one ring. Safe for concurrent use.</summary>
internal sealed class OpenDataKeys : IDisposable
{
    private readonly Lock _gate = new();
    private HashSet<OpenDataKey>? _keys; // created by the first open data key
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
                return [.. _keys ?? []];
            }
        }
    }

    /// <exception cref="ObjectDisposedException">The ring was disposed.</exception>
    public void Add(OpenDataKey key)
    {
        lock (_gate)
        {
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

    /// <summary>Closes those that a denial concerns.</summary>
    /// <returns>How many there were.</returns>
    public int Deny(KeyAccess access, DenialScope scope, ByokKeyUnavailableException denial)
    {
        var denied = Array.FindAll(All, key => key.Access == access && scope.Concerns(key.Origin.ContextId));
        Array.ForEach(denied, key => key.Deny(denial));
        return denied.Length;
    }

    /// <summary>Closes those that the application has no reference to any more.</summary>
    /// <returns>One origin for each wrapping key that still has open data keys.</returns>
    public IReadOnlyList<(KeyAccess Access, Origin Origin)> Sweep()
    {
        foreach (var key in All)
        {
            if (!key.IsReferenced)
            {
                key.Close();
            }
        }

        lock (_gate)
        {
            return [.. (_keys ?? []).DistinctBy(static key => key.Access).Select(static key => (key.Access, key.Origin))];
        }
    }

    public Origin? FindOrigin(KeyAccess access, ReadOnlyMemory<byte> contextId) =>
        Array.Find(All, key => key.Access == access && key.Origin.IsIn(contextId))?.Origin;

    public void Dispose()
    {
        lock (_gate)
        {
            _disposed = true;
        }

        Array.ForEach(All, static key => key.Close());
    }
}
