using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;

namespace Scalr.Byok.Kms.DataKeys;

/// <summary>
/// The 32 bytes that content keys are derived from, in clear. Lives in one pinned array, so that the garbage collector leaves no
/// copies behind, until <see cref="Dispose"/> erases it.
/// </summary>
internal sealed class DataKey : IDisposable
{
    /// <summary>The length of every data key, in bytes.</summary>
    public const int Length = 32;

    private readonly byte[] _bytes = GC.AllocateArray<byte>(Length, pinned: true);
    private int _erased;

    private DataKey()
    {
    }

    /// <summary>The key itself, to be used on the spot and kept nowhere.</summary>
    /// <exception cref="ObjectDisposedException">The key is erased.</exception>
    public ReadOnlySpan<byte> Span
    {
        get
        {
            ThrowIfErased();
            return _bytes;
        }
    }

    /// <summary>The key's own array, for a reader that takes no span. The same care as for <see cref="Span"/>.</summary>
    /// <exception cref="ObjectDisposedException">The key is erased.</exception>
    public ArraySegment<byte> Segment
    {
        get
        {
            ThrowIfErased();
            return new ArraySegment<byte>(_bytes);
        }
    }

    /// <summary>A new key from the operating system's random generator.</summary>
    public static DataKey Generate()
    {
        DataKey key = new();
        RandomNumberGenerator.Fill(key._bytes);
        return key;
    }

    /// <summary>A key of the given 32 bytes. The caller still owns those bytes and erases them.</summary>
    public static DataKey CopyFrom(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length != Length)
        {
            throw new ArgumentException($"A data key has {Length} bytes, these are {bytes.Length}.", nameof(bytes));
        }

        DataKey key = new();
        bytes.CopyTo(key._bytes);
        return key;
    }

    /// <summary>A key of bytes that came from outside, which are erased; false if they are not as many as a data key has.</summary>
    public static bool TryTake(Span<byte> bytes, [NotNullWhen(true)] out DataKey? key)
    {
        key = bytes.Length == Length ? CopyFrom(bytes) : null;
        CryptographicOperations.ZeroMemory(bytes);
        return key is not null;
    }

    /// <summary>Whether the key is erased.</summary>
    public bool IsErased => Volatile.Read(ref _erased) != 0;

    /// <summary>
    /// Throws if the key is erased. Whoever has read <see cref="Span"/> asks again afterwards: a key erased by another thread in
    /// between reads as zeros, and what comes of zeros must not be used.
    /// </summary>
    public void ThrowIfErased()
    {
        // The flag is set before the bytes are erased; the fence keeps this look at the flag behind the caller's look at the bytes.
        Interlocked.MemoryBarrier();
        ObjectDisposedException.ThrowIf(_erased != 0, this);
    }

    /// <summary>Erases the key. Doing it again does nothing.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _erased, 1) == 0)
        {
            CryptographicOperations.ZeroMemory(_bytes);
        }
    }
}
