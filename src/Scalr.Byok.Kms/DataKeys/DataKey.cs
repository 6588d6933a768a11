using System.Security.Cryptography;
using Scalr.Byok.Kms.Kms;

namespace Scalr.Byok.Kms.DataKeys;

/// <summary>32 plaintext key bytes. They never leave this class other than into the operations below. Safe for concurrent use.</summary>
/// <remarks>
/// The bytes lie in one pinned array, so that the garbage collector leaves no copies behind. <see cref="Dispose"/> erases them. An operation that is under way at that
/// moment ends with the bytes it began with, and erases them then.
/// </remarks>
internal sealed class DataKey : IPlaintext, IDisposable
{
    /// <summary>The length of every data key, in bytes.</summary>
    public const int Length = 32;

    /// <summary>The length of a derived secret, in bytes.</summary>
    public const int ExtractedLength = HMACSHA512.HashSizeInBytes;

    private readonly byte[] _bytes = GC.AllocateArray<byte>(Length, pinned: true);
    private int _uses = 1; // the owner's, and one for each operation under way: whoever ends the last one erases
    private int _disposed;

    private DataKey()
    {
    }

    /// <summary>Whether the owner has disposed it.</summary>
    public bool IsErased => Volatile.Read(ref _disposed) != 0;

    int IPlaintext.Length => Length;

    /// <summary>A new key from the operating system's random generator.</summary>
    public static DataKey Generate()
    {
        var key = new DataKey();
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

        var key = new DataKey();
        bytes.CopyTo(key._bytes);
        return key;
    }

    /// <summary>HKDF's extract step (RFC 5869, 2.2) with SHA-512: HMAC of these bytes under a salt.</summary>
    /// <param name="salt">The salt; may be empty.</param>
    /// <param name="extracted">Receives <see cref="ExtractedLength"/> bytes, which the caller erases.</param>
    /// <exception cref="ObjectDisposedException">The key is erased.</exception>
    public void Extract(ReadOnlySpan<byte> salt, Span<byte> extracted)
    {
        Enter();
        try
        {
            HMACSHA512.HashData(key: salt, source: _bytes, extracted);
        }
        finally
        {
            Exit();
        }
    }

    /// <summary>AES itself under this key, for single blocks.</summary>
    /// <exception cref="ObjectDisposedException">The key is erased.</exception>
    public ICryptoTransform CreateBlockCipher()
    {
        Enter();
        try
        {
            using var aes = Aes.Create();
            aes.Mode = CipherMode.ECB;
            aes.Padding = PaddingMode.None;
            return aes.CreateEncryptor(_bytes, null);
        }
        finally
        {
            Exit();
        }
    }

    /// <summary>Copies the bytes, to be encrypted by AWS KMS or in a message. The caller erases the copy.</summary>
    /// <exception cref="ObjectDisposedException">The key is erased.</exception>
    public void CopyTo(Span<byte> destination)
    {
        Enter();
        try
        {
            _bytes.CopyTo(destination);
        }
        finally
        {
            Exit();
        }
    }

    /// <summary>Keeps the bytes until <see cref="Exit"/>, even if the owner disposes the key meanwhile.</summary>
    /// <returns>False if the key is erased.</returns>
    public bool TryEnter()
    {
        var uses = Volatile.Read(ref _uses);
        while (uses > 0 && !IsErased)
        {
            var seen = Interlocked.CompareExchange(ref _uses, uses + 1, uses);
            if (seen == uses)
            {
                return true;
            }

            uses = seen;
        }

        return false;
    }

    /// <summary>Ends an operation. The last one erases the bytes.</summary>
    public void Exit()
    {
        if (Interlocked.Decrement(ref _uses) == 0)
        {
            CryptographicOperations.ZeroMemory(_bytes);
        }
    }

    /// <summary>Erases the bytes as soon as no operation is under way. Doing it again does nothing.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 0)
        {
            Exit();
        }
    }

    // Inside an operation that holds the key, the count is above zero, so this also succeeds after the owner has disposed it.
    private void Enter()
    {
        var uses = Volatile.Read(ref _uses);
        while (uses > 0)
        {
            var seen = Interlocked.CompareExchange(ref _uses, uses + 1, uses);
            if (seen == uses)
            {
                return;
            }

            uses = seen;
        }

        throw new ObjectDisposedException(nameof(DataKey));
    }
}
