using System.Buffers;
using System.Runtime.CompilerServices;

namespace Scalr.Byok.Kms;

/// <summary>One customer's keys: one AWS KMS key that encrypts, and some that may still decrypt.</summary>
/// <remarks>
/// <para>
/// What <c>EncryptAsync</c> makes is a message in the AWS Encryption SDK's format: the customer can read it with AWS's own tools and their own key.
/// It is about half a kilobyte longer than the plaintext. It is sealed under a new data key, which only the customer's KMS key can unwrap:
/// once the customer disables the key or takes the permission away, this service can no longer decrypt. What AWS's own SDKs made under the
/// customer's key
/// opens, too, if its algorithm suite commits to its key (0478 and 0578, AWS's default).
/// </para>
/// <para>
/// A data key is used only if AWS has accepted the customer's key within <see cref="ByokOptions.ConfirmationInterval"/> and, with a role,
/// the role's trust within <see cref="ByokOptions.RoleCheckInterval"/>. A call that lacks either asks AWS first. After a denial, calls
/// throw <see cref="ByokKeyUnavailableException"/> at once; AWS is asked again after a pause of 1 second, which doubles up to
/// <see cref="ByokOptions.ConfirmationInterval"/>. A stream that is under way stops too.
/// </para>
/// <para>
/// The encryption context is not secret: it stands in clear in the message and in the customer's CloudTrail. It is bound to the message,
/// so that data of one record cannot be passed off as data of another. Put identifiers into it, never data that needs protection.
/// </para>
/// <para>
/// Large payloads use the processors there are, up to <see cref="ByokOptions.MaxDegreeOfParallelism"/>. The overloads on streams need a few
/// buffers, whatever the size. They read and write at the same time, each stream by one operation at a time, and neither close nor rewind them.
/// </para>
/// <para>
/// Safe for concurrent use. Rings are made by <c>AddScalrByok().AddKeyRing(…)</c> and disposed with the container; those of many customers come from
/// <see cref="IByokKeyRingProvider"/>, and their messages are bound to the customer besides.
/// </para>
/// </remarks>
public interface IByokKeyRing
{
    /// <summary>The key that encrypts.</summary>
    KmsKeyArn KeyArn { get; }

    /// <summary>Encrypts under the customer's key.</summary>
    /// <param name="plaintext">Any number of bytes, none included. Must not change until the task ends.</param>
    /// <param name="encryptionContext">Pairs to bind to the message; names must not start with <c>aws-crypto-</c>. Null: none.</param>
    /// <param name="cancellationToken">Ends the call to AWS.</param>
    /// <returns>The message.</returns>
    /// <exception cref="ArgumentException">
    /// The encryption context cannot be written, or message or header would be too long for one array or for <see cref="ByokOptions"/>.
    /// </exception>
    /// <exception cref="ByokKeyUnavailableException">The customer's key or permission is not usable.</exception>
    /// <exception cref="ByokServiceException">AWS KMS or STS could not serve the call.</exception>
    /// <exception cref="OperationCanceledException">The caller cancelled.</exception>
    /// <exception cref="ObjectDisposedException">The key ring was disposed.</exception>
    [OverloadResolutionPriority(1)] // so that a null for the encryption context is not taken for a buffer writer
    ValueTask<byte[]> EncryptAsync(
        ReadOnlyMemory<byte> plaintext, IReadOnlyDictionary<string, string>? encryptionContext = null, CancellationToken cancellationToken = default);

    /// <summary>Encrypts under the customer's key, into buffers of your own.</summary>
    /// <param name="plaintext">Any number of bytes, none included. Must not change until the task ends.</param>
    /// <param name="message">Asked once for room for the whole message, and advanced by it. Not advanced if the call fails.</param>
    /// <param name="encryptionContext">Pairs to bind to the message; names must not start with <c>aws-crypto-</c>. Null: none.</param>
    /// <param name="cancellationToken">Ends the call to AWS.</param>
    /// <returns>A task that ends when the message is written.</returns>
    /// <inheritdoc cref="EncryptAsync(ReadOnlyMemory{byte}, IReadOnlyDictionary{string, string}, CancellationToken)" path="/exception"/>
    ValueTask EncryptAsync(
        ReadOnlyMemory<byte> plaintext,
        IBufferWriter<byte> message,
        IReadOnlyDictionary<string, string>? encryptionContext = null,
        CancellationToken cancellationToken = default);

    /// <summary>Encrypts a stream under the customer's key, in constant memory.</summary>
    /// <param name="plaintext">Read from its present position to its end.</param>
    /// <param name="message">
    /// Receives the message, and is flushed. If the call fails, what was written is no message: it does not decrypt to its end. Discard it.
    /// </param>
    /// <param name="encryptionContext">Pairs to bind to the message; names must not start with <c>aws-crypto-</c>. Null: none.</param>
    /// <param name="cancellationToken">Ends the call to AWS, the reading and the writing.</param>
    /// <returns>A task that ends when the message is written.</returns>
    /// <exception cref="ArgumentException">
    /// A stream cannot be read or written, the encryption context cannot be written, or message or header would exceed a limit of <see cref="ByokOptions"/>.
    /// </exception>
    /// <exception cref="ByokKeyUnavailableException">The customer's key or permission is not usable, or AWS denied it while the stream was under way.</exception>
    /// <exception cref="ByokServiceException">AWS KMS or STS could not serve the call, or did not confirm the key while the stream was under way.</exception>
    /// <exception cref="OperationCanceledException">The caller cancelled.</exception>
    /// <exception cref="ObjectDisposedException">The key ring was disposed.</exception>
    /// <remarks>What the streams throw passes through unchanged.</remarks>
    Task EncryptAsync(
        Stream plaintext, Stream message, IReadOnlyDictionary<string, string>? encryptionContext = null, CancellationToken cancellationToken = default);

    /// <summary>Decrypts a message and returns its plaintext, all of it or nothing.</summary>
    /// <param name="message">What <c>EncryptAsync</c> made. Must not change until the task ends.</param>
    /// <param name="encryptionContext">
    /// Pairs the message must have been encrypted with, to the letter; it may have more. Give what identifies the record that is read. Null: any.
    /// </param>
    /// <param name="cancellationToken">Ends the call to AWS.</param>
    /// <returns>The plaintext, authenticated.</returns>
    /// <exception cref="ArgumentException">The encryption context cannot belong to a message.</exception>
    /// <exception cref="ByokDecryptionException">
    /// The message was changed or cut, belongs to another key or encryption context, or exceeds a limit of <see cref="ByokOptions"/>. Treat it as hostile.
    /// </exception>
    /// <exception cref="ByokKeyUnavailableException">The customer's key or permission is not usable.</exception>
    /// <exception cref="ByokServiceException">AWS KMS or STS could not serve the call.</exception>
    /// <exception cref="OperationCanceledException">The caller cancelled.</exception>
    /// <exception cref="ObjectDisposedException">The key ring was disposed.</exception>
    [OverloadResolutionPriority(1)] // so that a null for the encryption context is not taken for a buffer writer
    ValueTask<byte[]> DecryptAsync(
        ReadOnlyMemory<byte> message, IReadOnlyDictionary<string, string>? encryptionContext = null, CancellationToken cancellationToken = default);

    /// <summary>Decrypts a message into buffers of your own, all of it or nothing.</summary>
    /// <param name="message">What <c>EncryptAsync</c> made. Must not change until the task ends.</param>
    /// <param name="plaintext">
    /// Asked once for room for the whole plaintext, and advanced by it once all of it is authenticated. If the call fails, the room is erased and not advanced over.
    /// </param>
    /// <param name="encryptionContext">Pairs the message must have been encrypted with, to the letter; it may have more. Null: any.</param>
    /// <param name="cancellationToken">Ends the call to AWS.</param>
    /// <returns>A task that ends when the plaintext is written.</returns>
    /// <inheritdoc cref="DecryptAsync(ReadOnlyMemory{byte}, IReadOnlyDictionary{string, string}, CancellationToken)" path="/exception"/>
    ValueTask DecryptAsync(
        ReadOnlyMemory<byte> message,
        IBufferWriter<byte> plaintext,
        IReadOnlyDictionary<string, string>? encryptionContext = null,
        CancellationToken cancellationToken = default);

    /// <summary>
    /// Decrypts a stream, in constant memory. <b>Use nothing of the plaintext before the task has ended well</b>: it is written as it is
    /// authenticated, frame by frame, and only the end tells whether the message is whole.
    /// </summary>
    /// <param name="message">Read from its present position to its end; nothing may follow the message.</param>
    /// <param name="plaintext">
    /// Receives the plaintext, and is flushed. Nothing is written that was not authenticated, but if the call fails, what was written is
    /// the beginning of a message that was cut or forged later on, or, of a signed message, not proved to be its writer's. Discard it:
    /// write to a temporary file and rename it at the end.
    /// </param>
    /// <param name="encryptionContext">Pairs the message must have been encrypted with, to the letter; it may have more. Null: any.</param>
    /// <param name="cancellationToken">Ends the call to AWS, the reading and the writing.</param>
    /// <returns>A task that ends when all of the plaintext is authenticated and written.</returns>
    /// <exception cref="ArgumentException">A stream cannot be read or written, or the encryption context cannot belong to a message.</exception>
    /// <exception cref="ByokDecryptionException">
    /// The message was changed or cut, belongs to another key or encryption context, or exceeds a limit of <see cref="ByokOptions"/>. Treat it as hostile.
    /// </exception>
    /// <exception cref="ByokKeyUnavailableException">The customer's key or permission is not usable, or AWS denied it while the stream was under way.</exception>
    /// <exception cref="ByokServiceException">AWS KMS or STS could not serve the call, or did not confirm the key while the stream was under way.</exception>
    /// <exception cref="OperationCanceledException">The caller cancelled.</exception>
    /// <exception cref="ObjectDisposedException">The key ring was disposed.</exception>
    /// <remarks>
    /// <para>The last frame is held back until it is known that the message ends behind it and, if it is signed, that the signature is right.</para>
    /// <para>What the streams throw passes through unchanged.</para>
    /// </remarks>
    Task DecryptAsync(
        Stream message, Stream plaintext, IReadOnlyDictionary<string, string>? encryptionContext = null, CancellationToken cancellationToken = default);

    /// <summary>Moves a message to the current key: wraps its data key under <see cref="KeyArn"/> and leaves its payload as it is.</summary>
    /// <param name="message">A message under this ring's current key or a previous one. Must not change until the task ends.</param>
    /// <param name="cancellationToken">Ends the calls to AWS.</param>
    /// <returns>The message under <see cref="KeyArn"/> alone. If it was so already, an unchanged copy, without any call to AWS.</returns>
    /// <exception cref="ByokDecryptionException">
    /// The message's header was changed or belongs to another key, its frames are not all there, or it exceeds a limit of <see cref="ByokOptions"/>,
    /// maybe only with the new key's longer ARN.
    /// </exception>
    /// <exception cref="NotSupportedException">
    /// The message is signed, under whatever key, so that its keys cannot be replaced. Decrypt it and encrypt the plaintext again.
    /// </exception>
    /// <exception cref="ByokKeyUnavailableException">The customer's key or permission is not usable.</exception>
    /// <exception cref="ByokServiceException">AWS KMS or STS could not serve the call.</exception>
    /// <exception cref="OperationCanceledException">The caller cancelled.</exception>
    /// <exception cref="ObjectDisposedException">The key ring was disposed.</exception>
    /// <remarks>
    /// <para>For a customer's new KMS key: add the old one to <c>PreviousKeys</c>, rewrap what is stored, then remove it. A replica of the current key counts as current.</para>
    /// <para>
    /// <b>Replace the old message, keep no copy of it.</b> Both share their data key: each user of the old KMS key can still open either.
    /// And both have a header tag under the same key: with both, even without any KMS key, an attacker can forge frames of this message,
    /// though not read it. Where old copies remain (backups, object versions) in reach of an attacker who can write to your storage,
    /// decrypt and encrypt again instead.
    /// </para>
    /// <para>The payload is not decrypted, so a changed payload shows only when it is decrypted, as before.</para>
    /// </remarks>
    ValueTask<byte[]> RewrapAsync(ReadOnlyMemory<byte> message, CancellationToken cancellationToken = default);

    /// <summary>Moves a message from stream to stream to the current key, in constant memory.</summary>
    /// <param name="message">Read from its present position to its end; nothing may follow the message.</param>
    /// <param name="rewrapped">
    /// Receives the message under <see cref="KeyArn"/> alone, and is flushed. If the call fails, what was written is no message. Discard it and keep the old one.
    /// </param>
    /// <param name="cancellationToken">Ends the calls to AWS, the reading and the writing.</param>
    /// <returns>A task that ends when the message is written.</returns>
    /// <exception cref="ArgumentException">A stream cannot be read or written.</exception>
    /// <inheritdoc cref="RewrapAsync(ReadOnlyMemory{byte}, CancellationToken)" path="/exception"/>
    /// <inheritdoc cref="RewrapAsync(ReadOnlyMemory{byte}, CancellationToken)" path="/remarks"/>
    Task RewrapAsync(Stream message, Stream rewrapped, CancellationToken cancellationToken = default);

    /// <summary>Makes a data key for many small values, such as the columns of a database.</summary>
    /// <param name="encryptionContext">Pairs to bind the data key to; names must not start with <c>aws-crypto-</c>. Null: none.</param>
    /// <param name="cancellationToken">Ends the call to AWS.</param>
    /// <returns>The data key, open. Store its <see cref="ByokDataKey.EncryptedKey"/> before you use it, and dispose it.</returns>
    /// <exception cref="ArgumentException">The encryption context cannot be written, or the header would be too long for <see cref="ByokOptions"/>.</exception>
    /// <inheritdoc cref="EncryptAsync(ReadOnlyMemory{byte}, IReadOnlyDictionary{string, string}, CancellationToken)" path="/exception"/>
    /// <remarks>
    /// <para>
    /// Costs one kms:Encrypt, and one kms:Decrypt if none was accepted within <see cref="ByokOptions.ConfirmationInterval"/>.
    /// <see cref="ByokDataKey"/> says what an open data key costs. Where two requests may want a tenant's first data key at once, use
    /// <see cref="ByokDataKeyExtensions.GetOrCreateDataKeyAsync"/>.
    /// </para>
    /// <para>
    /// The encrypted key is a message whose plaintext is the 32 bytes. The pair <c>scalr:purpose</c> = <c>data-key</c> in its encryption context tells it from all others;
    /// who wants <c>DecryptAsync</c> to hand out the bytes has to name that pair.
    /// </para>
    /// </remarks>
    ValueTask<ByokDataKey> CreateDataKeyAsync(IReadOnlyDictionary<string, string>? encryptionContext = null, CancellationToken cancellationToken = default);

    /// <summary>Opens a data key that <see cref="CreateDataKeyAsync"/> has made.</summary>
    /// <param name="encryptedKey">The stored <see cref="ByokDataKey.EncryptedKey"/>, as it was or rewrapped.</param>
    /// <param name="encryptionContext">Pairs that the data key must be bound to, to the letter; it may have more. Null: any.</param>
    /// <param name="cancellationToken">Ends the call to AWS.</param>
    /// <returns>The data key, open. The caller disposes it.</returns>
    /// <exception cref="ArgumentException">The encryption context cannot belong to a message.</exception>
    /// <exception cref="ByokDecryptionException">
    /// The encrypted key was changed or cut, is no data key, or belongs to another key ring or encryption context. Treat it as hostile.
    /// </exception>
    /// <exception cref="ByokKeyUnavailableException">The customer's key or permission is not usable.</exception>
    /// <exception cref="ByokServiceException">AWS KMS or STS could not serve the call.</exception>
    /// <exception cref="OperationCanceledException">The caller cancelled.</exception>
    /// <exception cref="ObjectDisposedException">The key ring was disposed.</exception>
    /// <remarks>
    /// Costs at most one kms:Decrypt per three fifths of <see cref="ByokDataKeyCacheOptions.MaxAge"/>, however often it is opened. With a
    /// MaxAge of zero, each time costs one. <see cref="ByokDataKey"/> says what an open data key costs.
    /// </remarks>
    ValueTask<ByokDataKey> OpenDataKeyAsync(
        ReadOnlyMemory<byte> encryptedKey, IReadOnlyDictionary<string, string>? encryptionContext = null, CancellationToken cancellationToken = default);

    /// <summary>
    /// Asks AWS by kms:DescribeKey about the key and its replicas: whether they can be used, and which problems lie ahead.
    /// </summary>
    /// <remarks>
    /// <para>A denial or an outage is a finding of the answer, not an exception. <see cref="KeyFinding.Owner"/> says who has to act.</para>
    /// <para>
    /// The answer also reports a denial of kms:Encrypt or kms:Decrypt that calls of this ring have met. For such a denial the probe asks
    /// AWS again by the denied action, at most once per <see cref="ByokOptions.ConfirmationInterval"/>, so that health recovers without
    /// other calls. A ring whose calls met no denial is judged by kms:DescribeKey alone; <see cref="IByokVerifier"/> tries kms:Encrypt and
    /// kms:Decrypt.
    /// </para>
    /// <para>If the key is in a state in which it cannot be used, its plaintext data keys are erased at once.</para>
    /// </remarks>
    /// <param name="cancellationToken">Ends the calls to AWS.</param>
    /// <returns>The key's health; within <see cref="ByokResilienceOptions.TotalTimeout"/> for the key and as much again for its replicas, also when AWS hangs.</returns>
    /// <exception cref="ObjectDisposedException">The key ring was disposed.</exception>
    /// <exception cref="OperationCanceledException">The caller cancelled.</exception>
    Task<KeyHealth> ProbeAsync(CancellationToken cancellationToken = default);
}
