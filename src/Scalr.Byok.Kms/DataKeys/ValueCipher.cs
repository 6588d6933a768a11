using System.Buffers;
using System.Buffers.Binary;
using System.Diagnostics;
using System.Security.Cryptography;

namespace Scalr.Byok.Kms.DataKeys;

/// <summary>
/// The format of an encrypted value, and the keys that encrypt it. Safe for concurrent use.
/// </summary>
/// <remarks>
/// <para>
/// The open data keys of one data key share it, with the cached key that they were opened with (<c>DecryptionKey</c>). Each of them has a
/// lease, which it ends once. The last one to end erases the keys. An erased cipher stays erased.
/// </para>
/// <code>
/// head     1   version          01
///          7   key id           derived from the data key and the tenant
/// nonce   24                    random: 12 bytes for a series of values, 12 for each value
///          n   ciphertext       as long as the value
///         16   tag              XAES-256-GCM; associated data: the head, then the caller's
/// </code>
/// The key id and the key of XAES-256-GCM are derived from the data key by HKDF-SHA512 without salt. The info of each is a label and the
/// tenant's name: its length in UTF-8 bytes (16 bits, big-endian; zero without a tenant) and those bytes.
/// </remarks>
internal sealed class ValueCipher : IDisposable
{
    /// <summary>The number of bytes by which an encrypted value is longer than the value.</summary>
    public const int Overhead = HeadLength + Xaes256Gcm.NonceLength + Xaes256Gcm.TagLength;

    /// <summary>The offset of the ciphertext.</summary>
    public const int CiphertextOffset = HeadLength + Xaes256Gcm.NonceLength;

    private const int HeadLength = 8;
    private const byte Version = 1;
    private const int StackLength = 256;

    private readonly Xaes256Gcm _aes;
    private readonly byte[] _head;

    // The first one is of the caller that derives it.
    private int _leases = 1;

    private ValueCipher(Xaes256Gcm aes, byte[] head)
    {
        _aes = aes;
        _head = head;
    }

    private static ReadOnlySpan<byte> ValueKeyLabel => "Scalr.Byok.Kms value key 1"u8;

    private static ReadOnlySpan<byte> KeyIdLabel => "Scalr.Byok.Kms key id 1"u8;

    /// <summary>Version and key id.</summary>
    public ReadOnlySpan<byte> Head => _head;

    /// <summary>Whether the key and all keys derived from it are erased.</summary>
    public bool IsErased => _aes.IsErased;

    /// <summary>XAES-256-GCM under the value key.</summary>
    internal Xaes256Gcm Xaes => _aes;

    /// <summary>The cipher of a data key, with a lease of the caller.</summary>
    /// <param name="dataKey">The data key. The caller keeps ownership.</param>
    /// <param name="tenant">The tenant's name as UTF-8; empty if there is none.</param>
    /// <exception cref="ObjectDisposedException">The data key is erased.</exception>
    public static ValueCipher Derive(DataKey dataKey, ReadOnlySpan<byte> tenant)
    {
        // On the stack, so the garbage collector makes no copies. Both are erased below.
        Span<byte> extracted = stackalloc byte[HMACSHA512.HashSizeInBytes];
        Span<byte> valueKey = stackalloc byte[DataKey.Length];
        try
        {
            // The data key is already a strong key, so its extraction needs no salt (RFC 5869, 3.3).
            dataKey.Extract(salt: default, extracted);

            // The tenant is part of both derivations, so a value of one tenant has neither the key id nor the key of another.
            var head = new byte[HeadLength];
            head[0] = Version;

            // The key id is public. It has its own label, so it reveals nothing about the value key.
            HKDF.Expand(HashAlgorithmName.SHA512, extracted, head.AsSpan(1), Info(KeyIdLabel, tenant));
            HKDF.Expand(HashAlgorithmName.SHA512, extracted, valueKey, Info(ValueKeyLabel, tenant));

            // Copied into pinned memory that the cipher owns and erases. The data key itself is no longer needed.
            return new ValueCipher(new Xaes256Gcm(DataKey.CopyFrom(valueKey)), head);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(extracted);
            CryptographicOperations.ZeroMemory(valueKey);
        }
    }

    /// <summary>Whether a value names this key. Not authenticated.</summary>
    public bool IsNamedBy(ReadOnlySpan<byte> encrypted) => encrypted.Length >= Overhead && encrypted.StartsWith(_head);

    /// <summary>Encrypts a value. The value may already be at the place of its ciphertext.</summary>
    /// <param name="now">The present time, in ticks of <see cref="TimeSpan"/>: ends series of nonces.</param>
    /// <param name="value">The value.</param>
    /// <param name="associatedData">The caller's associated data.</param>
    /// <param name="encrypted">Receives the encrypted value.</param>
    /// <exception cref="ObjectDisposedException">The key is erased.</exception>
    public void Encrypt(long now, ReadOnlySpan<byte> value, ReadOnlySpan<byte> associatedData, Span<byte> encrypted)
    {
        Debug.Assert(encrypted.Length == value.Length + Overhead, "the encrypted value fits exactly");
        byte[]? rented = null;
        var all = Authenticated(associatedData, stackalloc byte[StackLength], ref rented);

        // On the stack: the caller may change its bytes during the call, and the cipher must use the nonce that was drawn.
        Span<byte> nonce = stackalloc byte[Xaes256Gcm.NonceLength];
        _aes.Encrypt(now, nonce, value, encrypted.Slice(CiphertextOffset, value.Length), encrypted[^Xaes256Gcm.TagLength..], all);
        _head.CopyTo(encrypted);
        nonce.CopyTo(encrypted[HeadLength..]);

        // Not in a finally: if the key is erased, the pool loses one buffer without a secret.
        GiveBack(rented);
    }

    /// <summary>Decrypts a value. Returns false, without plaintext, if the value is not authentic or names another key.</summary>
    /// <exception cref="ObjectDisposedException">The key is erased.</exception>
    public bool TryDecrypt(ReadOnlySpan<byte> encrypted, ReadOnlySpan<byte> associatedData, Span<byte> value)
    {
        Debug.Assert(encrypted.Length == value.Length + Overhead, "the value fits exactly");

        // Only saves the cryptography. The key id is not trusted: the head that is authenticated below is this key's own.
        if (!IsNamedBy(encrypted))
        {
            return false;
        }

        byte[]? rented = null;
        var all = Authenticated(associatedData, stackalloc byte[StackLength], ref rented);
        Span<byte> nonce = stackalloc byte[Xaes256Gcm.NonceLength];

        // Copied once: the caller may change its bytes during the call, and key derivation and decryption must use the same nonce.
        encrypted.Slice(HeadLength, Xaes256Gcm.NonceLength).CopyTo(nonce);
        var isAuthentic = _aes.TryDecrypt(
            nonce, encrypted.Slice(CiphertextOffset, value.Length), encrypted[^Xaes256Gcm.TagLength..], value, all);
        GiveBack(rented);
        return isAuthentic;
    }

    /// <summary>Begins another lease. Something else must have one meanwhile.</summary>
    public void Lease()
    {
        var leases = Interlocked.Increment(ref _leases);
        Debug.Assert(leases > 1, "the other lease keeps the keys from being erased");
    }

    /// <summary>Ends a lease. The last one erases the keys.</summary>
    public void EndLease()
    {
        if (Interlocked.Decrement(ref _leases) == 0)
        {
            _aes.Dispose();
        }
    }

    /// <summary>Erases the keys, whatever leases there are. Doing it again does nothing.</summary>
    public void Dispose() => _aes.Dispose();

    private ReadOnlySpan<byte> Authenticated(ReadOnlySpan<byte> associatedData, Span<byte> room, ref byte[]? rented)
    {
        var length = HeadLength + associatedData.Length;
        if (length > room.Length)
        {
            // Returned without being erased: head and associated data are no secrets.
            room = rented = ArrayPool<byte>.Shared.Rent(length);
        }

        _head.CopyTo(room);
        associatedData.CopyTo(room[HeadLength..]);
        return room[..length];
    }

    private static void GiveBack(byte[]? rented)
    {
        if (rented is not null)
        {
            ArrayPool<byte>.Shared.Return(rented);
        }
    }

    private static byte[] Info(ReadOnlySpan<byte> label, ReadOnlySpan<byte> tenant)
    {
        var info = new byte[label.Length + sizeof(ushort) + tenant.Length];
        label.CopyTo(info);

        // A name that is too long for the field fails here. Otherwise its derivation would contain a wrong length.
        BinaryPrimitives.WriteUInt16BigEndian(info.AsSpan(label.Length), checked((ushort)tenant.Length));
        tenant.CopyTo(info.AsSpan(label.Length + sizeof(ushort)));
        return info;
    }
}
