using System.Buffers;
using System.Security.Cryptography;
using Scalr.Byok.Kms.DataKeys;

namespace Scalr.Byok.Kms;

/// <summary>
/// A data key for many small values, such as the columns of a database: encrypts and decrypts on the spot, without AWS. Its encrypted form is stored once, beside the
/// tenant whose values it protects.
/// </summary>
/// <remarks>
/// <para>
/// Made by <see cref="IByokKeyRing.CreateDataKeyAsync"/> and opened by <see cref="IByokKeyRing.OpenDataKeyAsync"/>; both in one is
/// <see cref="ByokDataKeyExtensions.GetOrCreateDataKeyAsync"/>. Dispose it at the end of the request or the job. Opening it again costs at
/// most one kms:Decrypt per three fifths of <see cref="ByokDataKeyCacheOptions.MaxAge"/>, however many callers open it.
/// </para>
/// <para>
/// <b>Cost.</b> While any data key is open, used or not, the library confirms its wrapping key: at most one kms:Decrypt per three fifths of
/// <see cref="ByokOptions.ConfirmationInterval"/> and wrapping key, for all its open data keys together. With a role, it also begins at
/// most one session per three fifths of <see cref="ByokOptions.RoleCheckInterval"/>. A data key that is used late in its lifetime costs one
/// kms:Decrypt of its own. Nothing is sent for data keys that are closed.
/// </para>
/// <para>
/// <b>Revocation.</b> A denial by AWS closes the data key: each later call throws <see cref="ByokKeyUnavailableException"/>. Open it again
/// when the customer has restored the access. A call throws a transient <see cref="ByokServiceException"/> if AWS has not confirmed the
/// wrapping key within <see cref="ByokOptions.ConfirmationInterval"/>, or the data key itself within
/// <see cref="ByokDataKeyCacheOptions.MaxAge"/> (with a MaxAge of zero: <see cref="ByokOptions.ConfirmationInterval"/>). That call also
/// starts a confirmation, and the data key stays open: try again. In an outage of AWS, calls go on until
/// <see cref="ByokDataKeyCacheOptions.MaxAge"/> plus <see cref="ByokDataKeyCacheOptions.OutageGrace"/> after the last acceptance.
/// </para>
/// <para>A data key that the application no longer references is closed. Disposing it is better: it is then erased at once.</para>
/// <para>
/// A value is <see cref="Overhead"/> bytes longer encrypted: version, key id, nonce, ciphertext, tag (ARCHITECTURE.md, "The value"). It is bound to the data key, to the
/// tenant, and to what is given as associated data. Encrypting the same value twice gives different bytes, so encrypted values cannot be compared or searched.
/// </para>
/// <para>Safe for concurrent use.</para>
/// </remarks>
public sealed class ByokDataKey : IDisposable
{
    /// <summary>How much longer than the value its encrypted form is, in bytes.</summary>
    public const int Overhead = ValueCipher.Overhead;

    private const int StackLength = 512;

    private readonly ValueCipher _cipher;
    private readonly OpenDataKey? _open;

    internal ByokDataKey(ReadOnlyMemory<byte> encryptedKey, ValueCipher cipher, OpenDataKey? open)
    {
        EncryptedKey = encryptedKey;
        _cipher = cipher;
        _open = open;
    }

    /// <summary>
    /// The data key, encrypted: a message that holds 32 bytes, some half a kilobyte, not secret. Store it; without it no value opens. <see cref="IByokKeyRing.RewrapAsync(ReadOnlyMemory{byte}, CancellationToken)"/>
    /// moves it to a new KMS key, and all values with it.
    /// </summary>
    public ReadOnlyMemory<byte> EncryptedKey { get; }

    /// <summary>Version and key id: what each value under this key begins with.</summary>
    internal ReadOnlySpan<byte> Head => _cipher.Head;

    /// <summary>A data key without AWS, for tests of hosts that mock <see cref="IByokKeyRing"/>. <b>Protects nothing:</b> its encrypted form is the key in clear.</summary>
    /// <param name="encryptedKey">The encrypted form of another such key, to open that one again; nothing: a new key.</param>
    /// <returns>A key that works until it is disposed.</returns>
    /// <exception cref="ArgumentException">It is not the encrypted form of such a key.</exception>
    public static ByokDataKey CreateForTesting(ReadOnlySpan<byte> encryptedKey = default) => TestingKey.Create(encryptedKey);

    /// <summary>Encrypts a value.</summary>
    /// <param name="value">Any number of bytes, none included.</param>
    /// <param name="associatedData">
    /// What the value is bound to, and what must be given again to decrypt it: where it lives, so that it opens nowhere else. <see cref="ByokAssociatedData.For"/> makes it of
    /// table, column and row.
    /// </param>
    /// <returns>The encrypted value, <see cref="Overhead"/> bytes longer.</returns>
    /// <exception cref="ArgumentException">The value is too long for one array.</exception>
    /// <exception cref="ByokKeyUnavailableException">AWS denies the use of the customer's key. The data key is closed. Open it again later.</exception>
    /// <exception cref="ByokServiceException">AWS has not confirmed the key recently. The data key stays open. Try again.</exception>
    /// <exception cref="ObjectDisposedException">The key was disposed, or the host's services were.</exception>
    public byte[] Encrypt(ReadOnlySpan<byte> value, ReadOnlySpan<byte> associatedData = default)
    {
        var encrypted = GC.AllocateUninitializedArray<byte>(EncryptedLength(value.Length, nameof(value)));
        EncryptCore(value, associatedData, encrypted);
        return encrypted;
    }

    /// <summary>Encrypts a value into buffers of your own.</summary>
    /// <param name="value">Any number of bytes, none included.</param>
    /// <param name="encrypted">Asked once for room for all of it, and advanced by it. Not advanced if the call fails.</param>
    /// <param name="associatedData">What the value is bound to.</param>
    /// <inheritdoc cref="Encrypt(ReadOnlySpan{byte}, ReadOnlySpan{byte})" path="/exception"/>
    public void Encrypt(ReadOnlySpan<byte> value, IBufferWriter<byte> encrypted, ReadOnlySpan<byte> associatedData = default)
    {
        ArgumentNullException.ThrowIfNull(encrypted);
        var length = EncryptedLength(value.Length, nameof(value));
        EncryptCore(value, associatedData, encrypted.GetSpan(length)[..length]);
        encrypted.Advance(length);
    }

    /// <summary>Encrypts a text as UTF-8.</summary>
    /// <param name="text">Any text that is valid Unicode.</param>
    /// <param name="associatedData">What the text is bound to.</param>
    /// <returns>The encrypted text, <see cref="Overhead"/> bytes longer than its UTF-8.</returns>
    /// <exception cref="ArgumentException">The text is too long for one array, or has half a surrogate pair.</exception>
    /// <inheritdoc cref="Encrypt(ReadOnlySpan{byte}, ReadOnlySpan{byte})" path="/exception"/>
    public byte[] Encrypt(ReadOnlySpan<char> text, ReadOnlySpan<byte> associatedData = default)
    {
        var encrypted = GC.AllocateUninitializedArray<byte>(EncryptedLength(ValueText.Measure(text), nameof(text)));
        var utf8 = encrypted.AsSpan(ValueCipher.CiphertextOffset, encrypted.Length - Overhead); // where its ciphertext replaces it
        ValueText.Write(text, utf8, nameof(text));
        EncryptCore(utf8, associatedData, encrypted);
        return encrypted;
    }

    /// <exception cref="ArgumentNullException"><paramref name="text"/> is null.</exception>
    /// <inheritdoc cref="Encrypt(ReadOnlySpan{char}, ReadOnlySpan{byte})"/>
    public byte[] Encrypt(string text, ReadOnlySpan<byte> associatedData = default)
    {
        ArgumentNullException.ThrowIfNull(text);
        return Encrypt(text.AsSpan(), associatedData);
    }

    /// <summary>Decrypts a value.</summary>
    /// <param name="encrypted">What <c>Encrypt</c> made.</param>
    /// <param name="associatedData">What the value was bound to, to the letter.</param>
    /// <returns>The value, authenticated.</returns>
    /// <exception cref="ByokDecryptionException">
    /// The value was changed or cut, or is under another data key, of another tenant, or of another place; in the same words, whichever it is. Treat it as hostile.
    /// </exception>
    /// <exception cref="ByokKeyUnavailableException">AWS denies the use of the customer's key. The data key is closed. Open it again later.</exception>
    /// <exception cref="ByokServiceException">AWS has not confirmed the key recently. The data key stays open. Try again.</exception>
    /// <exception cref="ObjectDisposedException">The key was disposed, or the host's services were.</exception>
    public byte[] Decrypt(ReadOnlySpan<byte> encrypted, ReadOnlySpan<byte> associatedData = default)
    {
        var value = GC.AllocateUninitializedArray<byte>(ValueLength(encrypted));
        DecryptCore(encrypted, associatedData, value);
        return value;
    }

    /// <summary>Decrypts a value into buffers of your own.</summary>
    /// <param name="encrypted">What <c>Encrypt</c> made.</param>
    /// <param name="value">Asked once for room for all of it, and advanced by it once it is authenticated. If the call fails, the room is erased and not advanced over.</param>
    /// <param name="associatedData">What the value was bound to, to the letter.</param>
    /// <inheritdoc cref="Decrypt(ReadOnlySpan{byte}, ReadOnlySpan{byte})" path="/exception"/>
    public void Decrypt(ReadOnlySpan<byte> encrypted, IBufferWriter<byte> value, ReadOnlySpan<byte> associatedData = default)
    {
        ArgumentNullException.ThrowIfNull(value);
        var length = ValueLength(encrypted);
        DecryptCore(encrypted, associatedData, value.GetSpan(length)[..length]);
        value.Advance(length);
    }

    /// <summary>Decrypts a text.</summary>
    /// <param name="encrypted">What <c>Encrypt</c> made of a text.</param>
    /// <param name="associatedData">What the text was bound to, to the letter.</param>
    /// <returns>The text, authenticated.</returns>
    /// <exception cref="ByokDecryptionException">As for bytes; so, too, if what was encrypted is not UTF-8.</exception>
    /// <inheritdoc cref="Decrypt(ReadOnlySpan{byte}, ReadOnlySpan{byte})" path="/exception"/>
    public string DecryptText(ReadOnlySpan<byte> encrypted, ReadOnlySpan<byte> associatedData = default)
    {
        var length = ValueLength(encrypted);
        var rented = length > StackLength ? ArrayPool<byte>.Shared.Rent(length) : null;
        var utf8 = (rented ?? stackalloc byte[StackLength])[..length];
        try
        {
            DecryptCore(encrypted, associatedData, utf8);
            return ValueText.TryRead(utf8, out var text) ? text : throw new ByokDecryptionException();
        }
        finally
        {
            CryptographicOperations.ZeroMemory(utf8);
            if (rented is not null)
            {
                ArrayPool<byte>.Shared.Return(rented);
            }
        }
    }

    /// <summary>Erases the key. Calls that other threads have begun may still end.</summary>
    public void Dispose()
    {
        _open?.Close();
        _cipher.Dispose();
    }

    /// <summary>What values are encrypted with.</summary>
    internal ValueCipher Cipher => _cipher;

    /// <summary>Whether a value says that it is under this key.</summary>
    internal bool IsNamedBy(ReadOnlySpan<byte> encrypted) => _cipher.IsNamedBy(encrypted);

    /// <summary>Has something done when the key may not be used any more.</summary>
    internal void OnEnd(Action release) => _open?.OnEnd(release);

    private static int EncryptedLength(int length, string parameterName) => length <= Array.MaxLength - Overhead
        ? length + Overhead
        : throw new ArgumentException("The encrypted value would not fit into one array.", parameterName);

    private static int ValueLength(ReadOnlySpan<byte> encrypted) => encrypted.Length >= Overhead ? encrypted.Length - Overhead : throw new ByokDecryptionException();

    private void EncryptCore(ReadOnlySpan<byte> value, ReadOnlySpan<byte> associatedData, Span<byte> encrypted)
    {
        var isDone = false;
        try
        {
            _open?.Use(KeyUse.Write);
            _cipher.Encrypt(value, associatedData, encrypted);
            isDone = true;
            GC.KeepAlive(this); // a key that is not referenced any more counts as forgotten
        }
        catch (ObjectDisposedException)
        {
            throw Failure();
        }
        finally
        {
            if (!isDone)
            {
                CryptographicOperations.ZeroMemory(encrypted); // there may be a text in it
            }
        }
    }

    private void DecryptCore(ReadOnlySpan<byte> encrypted, ReadOnlySpan<byte> associatedData, Span<byte> value)
    {
        var isAuthentic = false;
        try
        {
            _open?.Use(KeyUse.Read);
            isAuthentic = _cipher.TryDecrypt(encrypted, associatedData, value);
            GC.KeepAlive(this);
        }
        catch (ObjectDisposedException)
        {
            throw Failure();
        }
        finally
        {
            if (!isAuthentic)
            {
                CryptographicOperations.ZeroMemory(value);
            }
        }

        if (!isAuthentic)
        {
            throw new ByokDecryptionException();
        }
    }

    /// <summary>What to throw for a key that was erased during the call: the reason of the erasure.</summary>
    private Exception Failure() => _open?.Failure() ?? new ObjectDisposedException(nameof(ByokDataKey));
}
