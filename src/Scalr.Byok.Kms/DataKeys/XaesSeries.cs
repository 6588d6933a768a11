using System.Buffers.Binary;
using System.Security.Cryptography;

namespace Scalr.Byok.Kms.DataKeys;

/// <summary>
/// The AES-256-GCM key that XAES-256-GCM derives for all nonces with the same first half. Not safe for concurrent use.
/// </summary>
internal sealed class XaesSeries : IDisposable
{
    // The first half of the nonces as two numbers: cheaper to compare than an array, and to keep.
    private readonly ulong _first;
    private readonly uint _last;
    private readonly AesGcm _aes;

    /// <param name="prefix">The first half of the nonces.</param>
    /// <param name="subkey">The derived key. The caller erases it.</param>
    public XaesSeries(ReadOnlySpan<byte> prefix, ReadOnlySpan<byte> subkey)
    {
        _first = BinaryPrimitives.ReadUInt64BigEndian(prefix);
        _last = BinaryPrimitives.ReadUInt32BigEndian(prefix[sizeof(ulong)..]);
        _aes = new AesGcm(subkey, Xaes256Gcm.TagLength);
    }

    /// <summary>Whether the cipher with the derived key is erased.</summary>
    public bool IsErased { get; private set; }

    /// <summary>Whether this is the series of a nonce.</summary>
    /// <param name="prefix">The first half of the nonce.</param>
    public bool Has(ReadOnlySpan<byte> prefix) =>
        BinaryPrimitives.ReadUInt64BigEndian(prefix) == _first && BinaryPrimitives.ReadUInt32BigEndian(prefix[sizeof(ulong)..]) == _last;

    /// <summary>Writes the first half of the nonces.</summary>
    public void CopyPrefixTo(Span<byte> prefix)
    {
        BinaryPrimitives.WriteUInt64BigEndian(prefix, _first);
        BinaryPrimitives.WriteUInt32BigEndian(prefix[sizeof(ulong)..], _last);
    }

    /// <summary>Encrypts.</summary>
    /// <param name="suffix">The second half of the nonce, which must be used only once per series.</param>
    /// <param name="plaintext">The plaintext.</param>
    /// <param name="ciphertext">Receives the ciphertext; may be the same memory.</param>
    /// <param name="tag">Receives the tag.</param>
    /// <param name="associatedData">What is authenticated with the plaintext.</param>
    public void Encrypt(
        ReadOnlySpan<byte> suffix,
        ReadOnlySpan<byte> plaintext,
        Span<byte> ciphertext,
        Span<byte> tag,
        ReadOnlySpan<byte> associatedData) => _aes.Encrypt(suffix, plaintext, ciphertext, tag, associatedData);

    /// <summary>Decrypts. Returns false, without plaintext, if the ciphertext is not authentic.</summary>
    public bool TryDecrypt(
        ReadOnlySpan<byte> suffix,
        ReadOnlySpan<byte> ciphertext,
        ReadOnlySpan<byte> tag,
        Span<byte> plaintext,
        ReadOnlySpan<byte> associatedData)
    {
        try
        {
            _aes.Decrypt(suffix, ciphertext, tag, plaintext, associatedData);
            return true;
        }
        catch (AuthenticationTagMismatchException)
        {
            // Unauthenticated plaintext must not stay in the caller's buffer, whatever the platform leaves there.
            CryptographicOperations.ZeroMemory(plaintext);
            return false;
        }
    }

    public void Dispose()
    {
        // The platform erases the derived key.
        _aes.Dispose();
        IsErased = true;
    }
}
