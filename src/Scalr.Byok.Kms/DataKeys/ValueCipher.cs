using System.Buffers;
using System.Buffers.Binary;
using System.Diagnostics;
using System.Security.Cryptography;

namespace Scalr.Byok.Kms.DataKeys;

/// <summary>
/// The bytes of an encrypted value, and the keys they are made with. Safe for concurrent use.
/// </summary>
/// <remarks>
/// <code>
/// head     1   version          01
///          7   key id           derived from the data key and the tenant
/// nonce   24                    random
///          n   ciphertext       as long as the value
///         16   tag              XAES-256-GCM; associated data: the head, then the caller's
/// </code>
/// The key id and the key of XAES-256-GCM come from the data key by HKDF-SHA512 without salt. Each has an info of its own: a label, and the tenant's name as UTF-8 behind
/// its length as 16 bits, big-endian; zero if there is none.
/// </remarks>
internal sealed class ValueCipher : IDisposable
{
    /// <summary>How much longer than the value its encrypted form is.</summary>
    public const int Overhead = HeadLength + Xaes256Gcm.NonceLength + Xaes256Gcm.TagLength;

    /// <summary>Where the ciphertext begins.</summary>
    public const int CiphertextOffset = HeadLength + Xaes256Gcm.NonceLength;

    private const int HeadLength = 8;
    private const byte Version = 1;
    private const int StackLength = 256;

    private readonly Xaes256Gcm _aes;
    private readonly byte[] _head;

    private ValueCipher(Xaes256Gcm aes, byte[] head)
    {
        _aes = aes;
        _head = head;
    }

    private static ReadOnlySpan<byte> ValueKeyLabel => "Scalr.Byok.Kms value key 1"u8;

    private static ReadOnlySpan<byte> KeyIdLabel => "Scalr.Byok.Kms key id 1"u8;

    /// <summary>Version and key id.</summary>
    public ReadOnlySpan<byte> Head => _head;

    /// <summary>Whether nothing is left of the key.</summary>
    public bool IsErased => _aes.IsErased;

    /// <summary>The cipher of a data key.</summary>
    /// <param name="dataKey">The 32 bytes, which the caller erases.</param>
    /// <param name="tenant">The tenant's name as UTF-8; empty if there is none.</param>
    /// <exception cref="ObjectDisposedException">The data key is erased.</exception>
    public static ValueCipher Derive(DataKey dataKey, ReadOnlySpan<byte> tenant)
    {
        Span<byte> extracted = stackalloc byte[HMACSHA512.HashSizeInBytes];
        Span<byte> valueKey = stackalloc byte[DataKey.Length];
        try
        {
            dataKey.Extract(salt: default, extracted);
            byte[] head = new byte[HeadLength];
            head[0] = Version;
            HKDF.Expand(HashAlgorithmName.SHA512, extracted, head.AsSpan(1), Info(KeyIdLabel, tenant));
            HKDF.Expand(HashAlgorithmName.SHA512, extracted, valueKey, Info(ValueKeyLabel, tenant));
            return new ValueCipher(new Xaes256Gcm(DataKey.CopyFrom(valueKey)), head);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(extracted);
            CryptographicOperations.ZeroMemory(valueKey);
        }
    }

    /// <summary>Whether a value says that it is under this key.</summary>
    public bool IsNamedBy(ReadOnlySpan<byte> encrypted) => encrypted.Length >= Overhead && encrypted.StartsWith(_head);

    /// <summary>Encrypts a value, which may lie already where its ciphertext comes to lie.</summary>
    /// <exception cref="ObjectDisposedException">The key is erased.</exception>
    public void Encrypt(ReadOnlySpan<byte> value, ReadOnlySpan<byte> associatedData, Span<byte> encrypted)
    {
        Span<byte> nonce = stackalloc byte[Xaes256Gcm.NonceLength];
        RandomNumberGenerator.Fill(nonce);
        Encrypt(nonce, value, associatedData, encrypted);
    }

    /// <summary>Encrypts a value under a given nonce, which must not occur twice under a key.</summary>
    public void Encrypt(ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> value, ReadOnlySpan<byte> associatedData, Span<byte> encrypted)
    {
        Debug.Assert(encrypted.Length == value.Length + Overhead, "the encrypted value fits exactly");
        byte[]? rented = null;
        var all = Authenticated(associatedData, stackalloc byte[StackLength], ref rented);
        _head.CopyTo(encrypted);
        nonce.CopyTo(encrypted[HeadLength..]);
        _aes.Encrypt(nonce, value, encrypted.Slice(CiphertextOffset, value.Length), encrypted[^Xaes256Gcm.TagLength..], all);
        GiveBack(rented);
    }

    /// <summary>Decrypts a value; false, and no plaintext, if it is not authentic or is under another key.</summary>
    /// <exception cref="ObjectDisposedException">The key is erased.</exception>
    public bool TryDecrypt(ReadOnlySpan<byte> encrypted, ReadOnlySpan<byte> associatedData, Span<byte> value)
    {
        Debug.Assert(encrypted.Length == value.Length + Overhead, "the value fits exactly");
        if (!IsNamedBy(encrypted))
        {
            return false;
        }

        byte[]? rented = null;
        var all = Authenticated(associatedData, stackalloc byte[StackLength], ref rented);
        Span<byte> nonce = stackalloc byte[Xaes256Gcm.NonceLength];
        encrypted.Slice(HeadLength, Xaes256Gcm.NonceLength).CopyTo(nonce); // once: the caller's bytes may change
        var isAuthentic = _aes.TryDecrypt(nonce, encrypted.Slice(CiphertextOffset, value.Length), encrypted[^Xaes256Gcm.TagLength..], value, all);
        GiveBack(rented);
        return isAuthentic;
    }

    public void Dispose() => _aes.Dispose();

    private ReadOnlySpan<byte> Authenticated(ReadOnlySpan<byte> associatedData, Span<byte> room, ref byte[]? rented)
    {
        var length = HeadLength + associatedData.Length;
        if (length > room.Length)
        {
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
        BinaryPrimitives.WriteUInt16BigEndian(info.AsSpan(label.Length), checked((ushort)tenant.Length));
        tenant.CopyTo(info.AsSpan(label.Length + sizeof(ushort)));
        return info;
    }
}
