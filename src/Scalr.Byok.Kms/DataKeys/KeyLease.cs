namespace Scalr.Byok.Kms.DataKeys;

/// <summary>A data key for one use: erased after it, unless a cache keeps it.</summary>
internal readonly struct KeyLease : IDisposable
{
    private readonly bool _isKept;

    public KeyLease(DataKey key, bool isKept)
    {
        Key = key;
        _isKept = isKept;
    }

    public DataKey Key { get; }

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
