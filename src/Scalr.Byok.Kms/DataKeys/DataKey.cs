using System.Security.Cryptography;
using Scalr.Byok.Kms.Kms;

namespace Scalr.Byok.Kms.DataKeys;

/// <summary>32 plaintext key bytes, and the operations that use them. Safe for concurrent use.</summary>
/// <remarks>
/// The bytes are in one pinned array, so the garbage collector leaves no copies. <see cref="Dispose"/> erases them. An operation that
/// is under way completes with the intact bytes, and the last operation erases them.
/// </remarks>
internal sealed class DataKey : IPlaintext, IDisposable
{
    /// <summary>The length of every data key, in bytes.</summary>
    public const int Length = 32;

    /// <summary>The length of a derived secret, in bytes.</summary>
    public const int ExtractedLength = HMACSHA512.HashSizeInBytes;

    private readonly byte[] _bytes = GC.AllocateArray<byte>(Length, pinned: true);

    // One for the owner, one for each operation under way. The thread that takes the count to zero erases.
    private int _uses = 1;
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

        // A local key, because customers do not grant kms:GenerateDataKey.
        RandomNumberGenerator.Fill(key._bytes);
        return key;
    }

    /// <summary>A key of the given 32 bytes. The caller keeps ownership of those bytes and erases them.</summary>
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
            // The result is as secret as the key. It goes to the caller's memory, so that only the caller has to erase it.
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

            // ECB of single blocks is AES itself, which XAES-256-GCM needs to derive its subkeys. No data is encrypted in this mode.
            aes.Mode = CipherMode.ECB;
            aes.Padding = PaddingMode.None;

            // The transform has an expanded copy of the key, which only its owner can erase.
            return aes.CreateEncryptor(_bytes, null);
        }
        finally
        {
            Exit();
        }
    }

    /// <summary>AES-256-GCM under this key. The cipher has an expanded copy of the key, which only its owner can erase.</summary>
    /// <exception cref="ObjectDisposedException">The key is erased.</exception>
    public AesGcm CreateCipher(int tagLength)
    {
        Enter();
        try
        {
            return new AesGcm(_bytes, tagLength);
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

    /// <summary>Starts an operation: keeps the bytes until <see cref="Exit"/>, even if the owner disposes the key in between.</summary>
    /// <returns>False if the key is erased.</returns>
    public bool TryEnter()
    {
        // Both conditions are read again after each lost race. Once the count is zero, it never rises again: the bytes are erased.
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
            // No operation is left, and none can start.
            CryptographicOperations.ZeroMemory(_bytes);
        }
    }

    /// <summary>Erases the bytes as soon as no operation is under way. Doing it again does nothing.</summary>
    public void Dispose()
    {
        // The owner's use ends once, however often this is called. A second decrement would erase the bytes under an operation.
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
