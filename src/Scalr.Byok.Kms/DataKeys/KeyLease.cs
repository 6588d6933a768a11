namespace Scalr.Byok.Kms.DataKeys;

/// <summary>A data key for one use: erased after it, unless a cache keeps it.</summary>
internal readonly struct KeyLease : IDisposable
{
    private readonly CachedKey _key;
    private readonly bool _isKept;

    public KeyLease(CachedKey key, bool isKept)
    {
        _key = key;
        _isKept = isKept;
    }

    public DataKey Key => _key.Key;

    public KeyOrigin Origin => _key.Origin;

    /// <summary>What the key's user wanted to have beside it.</summary>
    public object? Companion => _key.Companion;

    /// <summary>Whether the cache has erased it meanwhile.</summary>
    public bool WasErased => _isKept && Key.IsErased;

    public void Dispose()
    {
        if (!_isKept)
        {
            Key.Dispose();
        }
    }
}
