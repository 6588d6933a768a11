namespace Scalr.Byok.Kms.DataKeys;

/// <summary>One place in a <see cref="DataKeyCache"/>, guarded by the lock of the cache.</summary>
internal sealed class CacheEntry
{
    public CacheEntry(byte[] id) => Id = id;

    public byte[] Id { get; }

    public CachedKey? Key { get; private set; }

    /// <summary>The call that makes the first or the next key; null if none is under way.</summary>
    public Task<CachedKey>? Making { get; set; }

    public long Born { get; private set; }

    public long Messages { get; private set; }

    public long Bytes { get; set; }

    public void Count(long bytes)
    {
        Messages++;
        Bytes += bytes;
    }

    public void Take(CachedKey key, long now)
    {
        Erase();
        (Key, Born, Messages, Bytes, Making) = (key, now, 0, 0, null);
    }

    public void Erase()
    {
        Key?.Key.Dispose();
        Key = null;
    }
}
