using System.Diagnostics;
using System.Security.Cryptography;

namespace Scalr.Byok.Kms.DataKeys;

/// <summary>
/// XAES-256-GCM as C2SP specifies it (https://c2sp.org/XAES-256-GCM): AES-256-GCM under a key that is derived for each nonce of 24 bytes, so that random nonces are safe
/// for any number of values. Safe for concurrent use.
/// </summary>
/// <remarks>A call that has begun ends with the key it began with.</remarks>
internal sealed class Xaes256Gcm : IDisposable
{
    public const int NonceLength = 24;
    public const int TagLength = 16;

    private const int DerivationNonceLength = 12;

    private readonly DataKey _key;

    /// <summary>Idle objects that derive keys for nonces, one place for each processor. Each holds key material of its own, which is erased at the latest when it comes back.</summary>
    private readonly XaesSubkeys?[] _idle = new XaesSubkeys?[Math.Min(Environment.ProcessorCount, 16)];

    /// <param name="key">Owned from now on.</param>
    public Xaes256Gcm(DataKey key) => _key = key;

    /// <summary>Encrypts; plaintext and ciphertext may be the same place.</summary>
    /// <exception cref="ObjectDisposedException">The key is erased.</exception>
    public void Encrypt(ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> plaintext, Span<byte> ciphertext, Span<byte> tag, ReadOnlySpan<byte> associatedData)
    {
        Span<byte> subkey = stackalloc byte[DataKey.Length];
        try
        {
            Derive(nonce, subkey);
            using AesGcm aes = new(subkey, TagLength);
            aes.Encrypt(nonce[DerivationNonceLength..], plaintext, ciphertext, tag, associatedData);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(subkey);
        }
    }

    /// <summary>Decrypts; false, and no plaintext, if it is not authentic.</summary>
    /// <exception cref="ObjectDisposedException">The key is erased.</exception>
    public bool TryDecrypt(
        ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> ciphertext, ReadOnlySpan<byte> tag, Span<byte> plaintext, ReadOnlySpan<byte> associatedData)
    {
        Span<byte> subkey = stackalloc byte[DataKey.Length];
        try
        {
            Derive(nonce, subkey);
            using AesGcm aes = new(subkey, TagLength);
            aes.Decrypt(nonce[DerivationNonceLength..], ciphertext, tag, plaintext, associatedData);
            return true;
        }
        catch (AuthenticationTagMismatchException)
        {
            CryptographicOperations.ZeroMemory(plaintext);
            return false;
        }
        finally
        {
            CryptographicOperations.ZeroMemory(subkey);
        }
    }

    /// <summary>Whether nothing is left of the key.</summary>
    public bool IsErased => _key.IsErased && Array.TrueForAll(_idle, static idle => idle is null);

    public void Dispose()
    {
        _key.Dispose();
        for (int i = 0; i < _idle.Length; i++)
        {
            Interlocked.Exchange(ref _idle[i], null)?.Dispose();
        }
    }

    private void Derive(ReadOnlySpan<byte> nonce, Span<byte> subkey)
    {
        Debug.Assert(nonce.Length == NonceLength, "a nonce has its fixed length");
        ObjectDisposedException.ThrowIf(!_key.TryEnter(), _key);

        try
        {
            ref XaesSubkeys? place = ref _idle[(uint)Thread.GetCurrentProcessorId() % (uint)_idle.Length];
            XaesSubkeys subkeys = Interlocked.Exchange(ref place, null) ?? new XaesSubkeys(_key);
            subkeys.Derive(nonce[..DerivationNonceLength], subkey);

            // Dispose marks the key as erased before it empties the places. Here the mark is read after a place was filled: one of the two finds what is in it.
            if (Interlocked.CompareExchange(ref place, subkeys, null) is not null)
            {
                subkeys.Dispose();
            }
            else if (_key.IsErased)
            {
                Interlocked.Exchange(ref place, null)?.Dispose();
            }
        }
        finally
        {
            _key.Exit();
        }
    }
}
