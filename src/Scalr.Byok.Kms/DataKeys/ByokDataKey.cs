using System.Buffers;
using System.Security.Cryptography;
using Scalr.Byok.Kms.DataKeys;

namespace Scalr.Byok.Kms;

/// <summary>
/// An open data key: encrypts and decrypts many small values, such as database columns, synchronously and without calls to AWS.
/// </summary>
/// <remarks>
/// <para>
/// <see cref="IByokKeyRing.CreateDataKeyAsync"/> creates a data key and <see cref="IByokKeyRing.OpenDataKeyAsync"/> opens it;
/// <see cref="ByokKeyRingExtensions.GetOrCreateDataKeyAsync"/> does both. Store its encrypted form once, with the tenant whose values
/// it protects. Dispose the open data key at the end of the request or the job. Opening it again costs at
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
/// <para>The library closes a data key that the application no longer references. Dispose it all the same: that closes it at once.</para>
/// <para>
/// An encrypted value is <see cref="Overhead"/> bytes longer than the value: version, key id, nonce, ciphertext, tag (ARCHITECTURE.md,
/// "The value"). It is bound to the data key, the tenant and the place. Encrypting the same value twice gives different bytes,
/// so encrypted values cannot be compared or searched.
/// </para>
/// <para>Safe for concurrent use.</para>
/// </remarks>
public sealed class ByokDataKey : IDisposable
{
    /// <summary>The number of bytes by which an encrypted value is longer than the value: 48.</summary>
    public const int Overhead = ValueCipher.Overhead;

    private const int StackLength = 512;
    private const int MaxUtf8PerChar = 3;

    private readonly ValueCipher _cipher;
    private readonly OpenDataKey? _open;

    internal ByokDataKey(ReadOnlyMemory<byte> encryptedKey, ValueCipher cipher, OpenDataKey? open)
    {
        EncryptedKey = encryptedKey;
        _cipher = cipher;
        _open = open;
    }

    /// <summary>
    /// The encrypted data key: a message that contains 32 bytes, about half a kilobyte long, not secret. Store it: without it, its values
    /// are lost. <see cref="IByokKeyRing.ReencryptAsync(ReadOnlyMemory{byte}, ByokReencryptWhen, CancellationToken)"/> moves it, and so all
    /// its values, to a new KMS key: the same 32 bytes in a new message.
    /// </summary>
    public ReadOnlyMemory<byte> EncryptedKey { get; }

    /// <summary>Version and key id, the first bytes of each value under this key.</summary>
    internal ReadOnlySpan<byte> Head => _cipher.Head;

    /// <summary>The length of the encrypted form of a value with a given length.</summary>
    /// <param name="valueLength">The length of the value in bytes; of a text, the length of its UTF-8.</param>
    /// <returns>The length in bytes: <paramref name="valueLength"/> plus <see cref="Overhead"/>.</returns>
    /// <exception cref="ArgumentOutOfRangeException">
    /// The length is negative, or the encrypted value would not fit into one array.
    /// </exception>
    public static int GetEncryptedLength(int valueLength)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(valueLength);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(valueLength, Array.MaxLength - Overhead);
        return valueLength + Overhead;
    }

    /// <summary>The maximum length of an encrypted text of a given length, for example as the size of a database column.</summary>
    /// <param name="textLength">
    /// The length of the text in UTF-16 units, as <see cref="string.Length"/> counts it. A character outside the Basic Multilingual Plane,
    /// such as an emoji, counts as two units. PostgreSQL and MySQL count it as one: for their length limits, pass twice the limit.
    /// </param>
    /// <returns>The length in bytes: three bytes for each unit, plus <see cref="Overhead"/>.</returns>
    /// <exception cref="ArgumentOutOfRangeException">
    /// The length is negative, or the encrypted text would not fit into one array.
    /// </exception>
    public static int GetMaxEncryptedTextLength(int textLength)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(textLength);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(textLength, (Array.MaxLength - Overhead) / MaxUtf8PerChar);
        return (textLength * MaxUtf8PerChar) + Overhead;
    }

    /// <summary>The length of the value in an encrypted value of a given length.</summary>
    /// <param name="encryptedLength">The length of the encrypted value in bytes.</param>
    /// <returns>The length in bytes: <paramref name="encryptedLength"/> minus <see cref="Overhead"/>.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The length is less than <see cref="Overhead"/>.</exception>
    public static int GetDecryptedLength(int encryptedLength)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(encryptedLength, Overhead);
        return encryptedLength - Overhead;
    }

    /// <summary>Encrypts a value.</summary>
    /// <param name="value">The value; may be empty.</param>
    /// <param name="associatedData">
    /// The place that the value is bound to, for example table, column and row
    /// (<see cref="ByokAssociatedData.For(ReadOnlySpan{ByokAssociatedDataPart})"/>). Decryption needs the same place, so a value that is
    /// moved to another place cannot be decrypted. <see cref="ByokAssociatedData.None"/>: bound to no place.
    /// </param>
    /// <returns>The encrypted value, <see cref="Overhead"/> bytes longer.</returns>
    /// <exception cref="ArgumentException">
    /// The encrypted value is longer than an array can be, or <paramref name="associatedData"/> is the default value.
    /// </exception>
    /// <exception cref="ByokKeyUnavailableException">
    /// AWS denies the use of the customer's key. The data key is closed. Open it again later.
    /// </exception>
    /// <exception cref="ByokServiceException">AWS has not confirmed the key recently. The data key stays open. Try again.</exception>
    /// <exception cref="ObjectDisposedException">The data key or the host's service provider is disposed.</exception>
    public byte[] Encrypt(ReadOnlySpan<byte> value, ByokAssociatedData associatedData)
    {
        var place = associatedData.Bytes;
        var encrypted = GC.AllocateUninitializedArray<byte>(EncryptedLength(value.Length, nameof(value)));
        EncryptCore(value, place, encrypted);
        return encrypted;
    }

    /// <summary>Encrypts a value into a buffer of the caller.</summary>
    /// <param name="value">The value; may be empty.</param>
    /// <param name="encrypted">Receives the encrypted value in one piece. If the call fails, the writer is not advanced.</param>
    /// <param name="associatedData">The place that the value is bound to.</param>
    /// <inheritdoc cref="Encrypt(ReadOnlySpan{byte}, ByokAssociatedData)" path="/exception"/>
    public void Encrypt(ReadOnlySpan<byte> value, IBufferWriter<byte> encrypted, ByokAssociatedData associatedData)
    {
        ArgumentNullException.ThrowIfNull(encrypted);
        var place = associatedData.Bytes;
        var length = EncryptedLength(value.Length, nameof(value));
        EncryptCore(value, place, encrypted.GetSpan(length)[..length]);
        encrypted.Advance(length);
    }

    /// <summary>Encrypts a value into memory of the caller.</summary>
    /// <param name="value">The value; may be empty.</param>
    /// <param name="encrypted">
    /// Receives the encrypted value in its first <see cref="GetEncryptedLength"/> bytes. If the call fails, these bytes are erased. The
    /// rest is not written. Must not overlap <paramref name="value"/>.
    /// </param>
    /// <param name="associatedData">The place that the value is bound to.</param>
    /// <returns>The length of the encrypted value in bytes.</returns>
    /// <exception cref="ArgumentException">
    /// <paramref name="encrypted"/> is too short (the message has the length that is needed) or overlaps <paramref name="value"/>. Nothing
    /// is written then. Or <paramref name="associatedData"/> is the default value.
    /// </exception>
    /// <inheritdoc cref="Encrypt(ReadOnlySpan{byte}, ByokAssociatedData)" path="/exception"/>
    public int Encrypt(ReadOnlySpan<byte> value, Span<byte> encrypted, ByokAssociatedData associatedData)
    {
        var place = associatedData.Bytes;
        var length = EncryptedLength(value.Length, nameof(value));
        EncryptCore(value, place, CallerBuffer.Take(encrypted, length, value, nameof(encrypted)));
        return length;
    }

    /// <summary>Encrypts a text as UTF-8.</summary>
    /// <param name="text">The text, which must be valid Unicode.</param>
    /// <param name="associatedData">The place that the text is bound to.</param>
    /// <returns>The encrypted text, <see cref="Overhead"/> bytes longer than its UTF-8.</returns>
    /// <exception cref="ArgumentException">
    /// The text is too long for one array or contains an unpaired surrogate, or <paramref name="associatedData"/> is the default value.
    /// </exception>
    /// <inheritdoc cref="Encrypt(ReadOnlySpan{byte}, ByokAssociatedData)" path="/exception"/>
    public byte[] EncryptText(ReadOnlySpan<char> text, ByokAssociatedData associatedData)
    {
        var place = associatedData.Bytes;
        var encrypted = GC.AllocateUninitializedArray<byte>(EncryptedLength(ValueText.Measure(text), nameof(text)));
        // encrypted in place, so that no second plaintext copy is left in memory
        var utf8 = encrypted.AsSpan(ValueCipher.CiphertextOffset, encrypted.Length - Overhead);
        ValueText.Write(text, utf8, nameof(text));
        EncryptCore(utf8, place, encrypted);
        return encrypted;
    }

    /// <exception cref="ArgumentNullException"><paramref name="text"/> is null.</exception>
    /// <inheritdoc cref="EncryptText(ReadOnlySpan{char}, ByokAssociatedData)"/>
    public byte[] EncryptText(string text, ByokAssociatedData associatedData)
    {
        ArgumentNullException.ThrowIfNull(text);
        return EncryptText(text.AsSpan(), associatedData);
    }

    /// <summary>Decrypts a value.</summary>
    /// <param name="encrypted">A value that <c>Encrypt</c> returned.</param>
    /// <param name="associatedData">The place that the value is bound to: the same place that was given to <c>Encrypt</c>.</param>
    /// <returns>The authenticated value.</returns>
    /// <exception cref="ArgumentException"><paramref name="associatedData"/> is the default value.</exception>
    /// <exception cref="ByokDecryptionException">
    /// The value was changed or cut, or belongs to another data key, tenant or place. The message is the same in all cases. Treat the value
    /// as hostile.
    /// </exception>
    /// <exception cref="ByokKeyUnavailableException">
    /// AWS denies the use of the customer's key. The data key is closed. Open it again later.
    /// </exception>
    /// <exception cref="ByokServiceException">AWS has not confirmed the key recently. The data key stays open. Try again.</exception>
    /// <exception cref="ObjectDisposedException">The data key or the host's service provider is disposed.</exception>
    public byte[] Decrypt(ReadOnlySpan<byte> encrypted, ByokAssociatedData associatedData)
    {
        var place = associatedData.Bytes;
        var value = GC.AllocateUninitializedArray<byte>(ValueLength(encrypted));
        DecryptCore(encrypted, place, value);
        return value;
    }

    /// <summary>Decrypts a value into a buffer of the caller.</summary>
    /// <param name="encrypted">A value that <c>Encrypt</c> returned.</param>
    /// <param name="value">
    /// Receives the authenticated value in one piece. If the call fails, its bytes are erased and the writer is not advanced.
    /// </param>
    /// <param name="associatedData">The place that the value is bound to: the same place that was given to <c>Encrypt</c>.</param>
    /// <inheritdoc cref="Decrypt(ReadOnlySpan{byte}, ByokAssociatedData)" path="/exception"/>
    public void Decrypt(ReadOnlySpan<byte> encrypted, IBufferWriter<byte> value, ByokAssociatedData associatedData)
    {
        ArgumentNullException.ThrowIfNull(value);
        var place = associatedData.Bytes;
        var length = ValueLength(encrypted);
        DecryptCore(encrypted, place, value.GetSpan(length)[..length]);
        value.Advance(length);
    }

    /// <summary>Decrypts a value into memory of the caller.</summary>
    /// <param name="encrypted">A value that <c>Encrypt</c> returned.</param>
    /// <param name="value">
    /// Receives the authenticated value in its first <see cref="GetDecryptedLength"/> bytes. If the call fails, these bytes are erased. The
    /// rest is not written. Must not overlap <paramref name="encrypted"/>.
    /// </param>
    /// <param name="associatedData">The place that the value is bound to: the same place that was given to <c>Encrypt</c>.</param>
    /// <returns>The length of the value in bytes.</returns>
    /// <exception cref="ArgumentException">
    /// <paramref name="value"/> is too short (the message has the length that is needed) or overlaps <paramref name="encrypted"/>. Nothing
    /// is written then. Or <paramref name="associatedData"/> is the default value.
    /// </exception>
    /// <inheritdoc cref="Decrypt(ReadOnlySpan{byte}, ByokAssociatedData)" path="/exception"/>
    public int Decrypt(ReadOnlySpan<byte> encrypted, Span<byte> value, ByokAssociatedData associatedData)
    {
        var place = associatedData.Bytes;
        var length = ValueLength(encrypted);
        DecryptCore(encrypted, place, CallerBuffer.Take(value, length, encrypted, nameof(value)));
        return length;
    }

    /// <summary>Decrypts a text.</summary>
    /// <param name="encrypted">A text that <c>EncryptText</c> encrypted.</param>
    /// <param name="associatedData">The place that the text is bound to: the same place that was given to <c>EncryptText</c>.</param>
    /// <returns>The authenticated text.</returns>
    /// <exception cref="ByokDecryptionException">As for bytes. Also if the decrypted bytes are not UTF-8.</exception>
    /// <inheritdoc cref="Decrypt(ReadOnlySpan{byte}, ByokAssociatedData)" path="/exception"/>
    public string DecryptText(ReadOnlySpan<byte> encrypted, ByokAssociatedData associatedData)
    {
        var place = associatedData.Bytes;
        var length = ValueLength(encrypted);
        var rented = length > StackLength ? ArrayPool<byte>.Shared.Rent(length) : null;
        var utf8 = (rented ?? stackalloc byte[StackLength])[..length];
        try
        {
            DecryptCore(encrypted, place, utf8);
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

    /// <summary>
    /// Closes the data key. Its bytes are erased when nothing else uses the same data key: no other open data key, and no data key cache
    /// (<see cref="ByokOptions.DataKeyCache"/>). Calls that other threads have started can still complete.
    /// </summary>
    public void Dispose()
    {
        if (_open is not null)
        {
            _open.Close();
        }
        else
        {
            _cipher.Dispose();
        }
    }

    /// <summary>The cipher of the values.</summary>
    internal ValueCipher Cipher => _cipher;

    /// <summary>Whether a value names this data key. Not authenticated: only decryption proves it.</summary>
    internal bool IsNamedBy(ReadOnlySpan<byte> encrypted) => _cipher.IsNamedBy(encrypted);

    /// <summary>Runs an action once the data key is closed or denied.</summary>
    internal void OnEnd(Action release) => _open?.OnEnd(release);

    private static int EncryptedLength(int length, string parameterName) => length <= Array.MaxLength - Overhead
        ? length + Overhead
        : throw new ArgumentException("The encrypted value would not fit into one array.", parameterName);

    private static int ValueLength(ReadOnlySpan<byte> encrypted) =>
        encrypted.Length >= Overhead ? encrypted.Length - Overhead : throw new ByokDecryptionException();

    private void EncryptCore(ReadOnlySpan<byte> value, ReadOnlySpan<byte> associatedData, Span<byte> encrypted)
    {
        var isDone = false;
        try
        {
            // Checked at each use, before any byte is encrypted: a revoked key encrypts nothing more.
            var now = _open?.Use(KeyUse.Write) ?? TimeProvider.System.GetElapsedTime(0).Ticks;
            _cipher.Encrypt(now, value, associatedData, encrypted);
            isDone = true;
            // the sweep of open data keys closes a data key without references, and so erases it, even during its last call
            GC.KeepAlive(this);
        }
        catch (ObjectDisposedException)
        {
            // A denial can erase the key between the check and the cryptography. The caller gets the denial, not the erasure.
            throw Failure();
        }
        finally
        {
            if (!isDone)
            {
                CryptographicOperations.ZeroMemory(encrypted); // the buffer may contain the plaintext of a text
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
                // Without a valid tag, the decrypted bytes may be chosen by an attacker. They never leave this method.
                CryptographicOperations.ZeroMemory(value);
            }
        }

        if (!isAuthentic)
        {
            throw new ByokDecryptionException();
        }
    }

    /// <summary>The exception for a key that was erased during the call: the reason of the erasure.</summary>
    private Exception Failure() => _open?.Failure() ?? new ObjectDisposedException(nameof(ByokDataKey));
}
