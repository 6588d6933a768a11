using System.Security.Cryptography;
using Scalr.Byok.Kms.DataKeys;

namespace Scalr.Byok.Kms;

/// <summary>
/// Extension methods of key rings for texts, for memory of the caller, for pipes and bytes in several pieces, for data keys in a store of
/// the host, and for a fast first call.
/// </summary>
/// <remarks>They work with every implementation of <see cref="IByokKeyRing"/>, also with a mock of it.</remarks>
public static partial class ByokKeyRingExtensions
{
    /// <summary>
    /// Opens the data key that a store has under a name. Creates and stores one if there is none. Concurrent calls, in any number of
    /// processes, all get the same data key.
    /// </summary>
    /// <param name="ring">The key ring.</param>
    /// <param name="store">The host's store of encrypted data keys.</param>
    /// <param name="name">The name of the data key, for example the tenant.</param>
    /// <param name="encryptionContext">Pairs to bind a new data key to. A stored data key must be bound to them. Null: none.</param>
    /// <param name="cancellationToken">Ends the calls to AWS and to the store.</param>
    /// <returns>The open data key. The caller disposes it.</returns>
    /// <exception cref="ArgumentException">The encryption context cannot be written, or <paramref name="name"/> is empty.</exception>
    /// <exception cref="InvalidOperationException">The store rejects a data key as already stored, but does not find it.</exception>
    /// <exception cref="ByokDecryptionException">
    /// The stored bytes are not a data key of this ring, or are bound to another encryption context.
    /// </exception>
    /// <exception cref="ByokKeyUnavailableException">The customer's key or permission is not usable.</exception>
    /// <exception cref="ByokServiceException">AWS KMS or STS could not serve the call.</exception>
    /// <remarks>
    /// Costs what <see cref="IByokKeyRing.OpenDataKeyAsync"/> costs; for a new data key, what <see cref="IByokKeyRing.CreateDataKeyAsync"/>
    /// costs. Exceptions of the store are passed on unchanged.
    /// </remarks>
    public static async ValueTask<ByokDataKey> GetOrCreateDataKeyAsync(
        this IByokKeyRing ring,
        IByokDataKeyStore store,
        string name,
        IReadOnlyDictionary<string, string>? encryptionContext = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(ring);
        ArgumentNullException.ThrowIfNull(store);
        ArgumentException.ThrowIfNullOrEmpty(name);
        var stored = await store.FindAsync(name, cancellationToken).ConfigureAwait(false);
        if (stored is null)
        {
            var made = await ring.CreateDataKeyAsync(encryptionContext, cancellationToken).ConfigureAwait(false);
            try
            {
                if (await store.TryAddAsync(name, made.EncryptedKey.ToArray(), cancellationToken).ConfigureAwait(false))
                {
                    return made;
                }
            }
            catch
            {
                made.Dispose(); // it is unknown whether the data key was stored; the next call finds out
                throw;
            }

            // Another caller stored its data key first. Both must use that one: values under two keys could not be read by both.
            made.Dispose();
            stored = await store.FindAsync(name, cancellationToken).ConfigureAwait(false)
                ?? throw new InvalidOperationException(
                    $"The {nameof(IByokDataKeyStore)} rejects a data key as already stored, but does not find it.");
        }

        return await ring.OpenDataKeyAsync(stored, encryptionContext, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>
    /// Does ahead of the first call what only the first call waits for: begins the session of a role, connects to AWS KMS, and fetches the
    /// data key that encrypts messages of one encryption context.
    /// </summary>
    /// <param name="ring">The key ring.</param>
    /// <param name="encryptionContext">The pairs of the messages that will be encrypted first. Null: none.</param>
    /// <param name="cancellationToken">Cancels the call.</param>
    /// <exception cref="ArgumentNullException"><paramref name="ring"/> is null.</exception>
    /// <exception cref="ArgumentException">The encryption context cannot be written.</exception>
    /// <inheritdoc
    ///     cref="IByokKeyRing.EncryptAsync(ReadOnlyMemory{byte}, IReadOnlyDictionary{string, string}, CancellationToken)"
    ///     path="/exception"/>
    /// <remarks>
    /// <para>
    /// It encrypts an empty message, which it discards. So it costs what <c>EncryptAsync</c> costs: one kms:Encrypt, and with a role one
    /// request to AWS STS, or nothing if all of this is there. It needs the permission kms:Encrypt. The first decryption and the first
    /// <see cref="IByokKeyRing.OpenDataKeyAsync"/> still cost their kms:Decrypt; session and connection are there.
    /// </para>
    /// <para>
    /// It changes nothing else: data key and session expire as after any call, and an idle key ring sends nothing. A failure is reported
    /// as that of any call. Ignore it if the purpose is only to save time.
    /// </para>
    /// </remarks>
    public static async Task WarmUpAsync(
        this IByokKeyRing ring,
        IReadOnlyDictionary<string, string>? encryptionContext = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(ring);
        await ring.EncryptAsync(ReadOnlyMemory<byte>.Empty, encryptionContext, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Encrypts a text, as UTF-8, under the customer's key.</summary>
    /// <param name="ring">The key ring.</param>
    /// <param name="text">Any text that is valid Unicode.</param>
    /// <param name="encryptionContext">
    /// Pairs to bind to the message; names must not start with <c>aws-crypto-</c> or <c>scalr:</c>. Null: none.
    /// </param>
    /// <param name="cancellationToken">Ends the call to AWS.</param>
    /// <returns>The message. For a column that holds texts only, use <see cref="Convert.ToBase64String(byte[])"/>.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="ring"/> or <paramref name="text"/> is null.</exception>
    /// <exception cref="ArgumentException">
    /// The text contains an unpaired surrogate, the encryption context cannot be written, or the message would be too long for one array or
    /// for <see cref="ByokOptions"/>.
    /// </exception>
    /// <inheritdoc
    ///     cref="IByokKeyRing.EncryptAsync(ReadOnlyMemory{byte}, IReadOnlyDictionary{string, string}, CancellationToken)"
    ///     path="/exception"/>
    public static async ValueTask<byte[]> EncryptTextAsync(
        this IByokKeyRing ring,
        string text,
        IReadOnlyDictionary<string, string>? encryptionContext = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(ring);
        ArgumentNullException.ThrowIfNull(text);
        var utf8 = GC.AllocateUninitializedArray<byte>(ValueText.Measure(text), pinned: true);
        try
        {
            ValueText.Write(text, utf8, nameof(text));
            return await ring.EncryptAsync(utf8, encryptionContext, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(utf8);
        }
    }

    /// <summary>Decrypts a message that holds a text, all of it or nothing.</summary>
    /// <param name="ring">The key ring.</param>
    /// <param name="message">
    /// A message of <c>EncryptTextAsync</c>, or any message whose plaintext is UTF-8. Must not change until the task ends.
    /// </param>
    /// <param name="encryptionContext">
    /// Pairs that the message must be bound to, with exactly these values; it may be bound to more. Null: any.
    /// </param>
    /// <param name="cancellationToken">Ends the call to AWS.</param>
    /// <returns>The text, authenticated.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="ring"/> is null.</exception>
    /// <exception cref="ByokDecryptionException">
    /// As for bytes: the message was changed or cut, belongs to another key or encryption context, or exceeds a limit. Also if the
    /// plaintext is not UTF-8.
    /// </exception>
    /// <inheritdoc
    ///     cref="IByokKeyRing.DecryptAsync(ReadOnlyMemory{byte}, IReadOnlyDictionary{string, string}, CancellationToken)"
    ///     path="/exception"/>
    public static async ValueTask<string> DecryptTextAsync(
        this IByokKeyRing ring,
        ReadOnlyMemory<byte> message,
        IReadOnlyDictionary<string, string>? encryptionContext = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(ring);
        var utf8 = await ring.DecryptAsync(message, encryptionContext, cancellationToken).ConfigureAwait(false);
        try
        {
            return ValueText.TryRead(utf8, out var text) ? text : throw new ByokDecryptionException();
        }
        finally
        {
            CryptographicOperations.ZeroMemory(utf8);
        }
    }

    /// <summary>Encrypts bytes under the customer's key into memory of the caller. Saves the new array of each message.</summary>
    /// <param name="ring">The key ring.</param>
    /// <param name="plaintext">The plaintext; may be empty. Must not change until the task completes.</param>
    /// <param name="message">
    /// Receives the message. <see cref="ByokMessage.GetMaxEncryptedLength"/> bytes are always enough; a message is about 6 KB shorter. If
    /// the call fails, the bytes that it wrote are erased. The rest is not written. Must not overlap <paramref name="plaintext"/>, and must
    /// not be used until the task completes.
    /// </param>
    /// <param name="encryptionContext">
    /// Pairs to bind to the message. Names must not start with <c>aws-crypto-</c> or <c>scalr:</c>. Null: none.
    /// </param>
    /// <param name="cancellationToken">Cancels the call.</param>
    /// <returns>The length of the message in bytes.</returns>
    /// <exception cref="ArgumentException">
    /// <paramref name="message"/> is too short, or overlaps <paramref name="plaintext"/>. Memory that is shorter than the plaintext and
    /// the least header is rejected before any call to AWS. The length of the encrypted data key is known only after the call: then the
    /// exception's message has the exact length that is needed, and the data key stays cached. Also for the causes of
    /// <c>EncryptAsync</c> without a buffer.
    /// </exception>
    /// <inheritdoc path="/exception"
    /// cref="IByokKeyRing.EncryptAsync(ReadOnlyMemory{byte}, IReadOnlyDictionary{string, string}, CancellationToken)"/>
    /// <remarks>Costs what <c>EncryptAsync</c> without a buffer costs.</remarks>
    public static ValueTask<int> EncryptAsync(
        this IByokKeyRing ring,
        ReadOnlyMemory<byte> plaintext,
        Memory<byte> message,
        IReadOnlyDictionary<string, string>? encryptionContext = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(ring);
        CallerBuffer.ThrowIfOverlaps(message.Span, plaintext.Span, nameof(message));
        CallerBuffer.ThrowIfShort(
            message.Length, ByokMessage.GetMinEncryptedLength(plaintext.Length, ring.KeyArn, encryptionContext), nameof(message));
        return FillAsync(
            new CallerBuffer(message, nameof(message)),
            buffer => ring.EncryptAsync(plaintext, buffer, encryptionContext, cancellationToken));
    }

    /// <summary>Decrypts a message into memory of the caller: all of it or nothing. Saves the new array of each plaintext.</summary>
    /// <param name="ring">The key ring.</param>
    /// <param name="message">A message that <c>EncryptAsync</c> wrote. Must not change until the task completes.</param>
    /// <param name="plaintext">
    /// Receives the authenticated plaintext, of <see cref="ByokMessage.GetMaxPlaintextLength"/> bytes. If the call fails, the bytes that it
    /// wrote are erased. The rest is not written. Do not read it before the task completes: until then, it can contain plaintext that is
    /// not authenticated. Must not overlap <paramref name="message"/>.
    /// </param>
    /// <param name="encryptionContext">
    /// Pairs that the message must be bound to, compared exactly. The message may have more. Null: any message.
    /// </param>
    /// <param name="cancellationToken">Cancels the call.</param>
    /// <returns>The length of the plaintext in bytes.</returns>
    /// <exception cref="ArgumentException">
    /// <paramref name="plaintext"/> is too short (the exception's message has the length that is needed), or overlaps
    /// <paramref name="message"/>. Found before any call to AWS. Or the encryption context cannot belong to a message.
    /// </exception>
    /// <inheritdoc path="/exception"
    /// cref="IByokKeyRing.DecryptAsync(ReadOnlyMemory{byte}, IReadOnlyDictionary{string, string}, CancellationToken)"/>
    /// <remarks>Costs what <c>DecryptAsync</c> without a buffer costs.</remarks>
    public static ValueTask<int> DecryptAsync(
        this IByokKeyRing ring,
        ReadOnlyMemory<byte> message,
        Memory<byte> plaintext,
        IReadOnlyDictionary<string, string>? encryptionContext = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(ring);
        CallerBuffer.ThrowIfOverlaps(plaintext.Span, message.Span, nameof(plaintext));

        // Bytes that are no message are rejected by the ring, like any other forgery.
        if (ByokMessage.TryGetPlaintextLength(message, out var length))
        {
            CallerBuffer.ThrowIfShort(plaintext.Length, length, nameof(plaintext));
        }

        return FillAsync(
            new CallerBuffer(plaintext, nameof(plaintext)),
            buffer => ring.DecryptAsync(message, buffer, encryptionContext, cancellationToken));
    }

    private static async ValueTask<int> FillAsync(CallerBuffer buffer, Func<CallerBuffer, ValueTask> call)
    {
        var isDone = false;
        try
        {
            await call(buffer).ConfigureAwait(false);
            isDone = true;
            return buffer.Written;
        }
        finally
        {
            if (!isDone)
            {
                buffer.Erase();
            }
        }
    }
}
