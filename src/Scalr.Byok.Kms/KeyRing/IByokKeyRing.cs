using System.Buffers;
using System.Runtime.CompilerServices;

namespace Scalr.Byok.Kms;

/// <summary>Encrypts and decrypts under one customer's AWS KMS key. Previous keys of the customer can still decrypt.</summary>
/// <remarks>
/// <para>
/// <c>EncryptAsync</c> writes a message in the format of the AWS Encryption SDK, so the customer can read it with AWS's own tools and the
/// customer's key. A message is about half a kilobyte longer than the plaintext. Only the customer's KMS key can unwrap its data key: once
/// the customer disables the key or removes the permission, this service can no longer decrypt. Messages that AWS's SDKs wrote under the
/// customer's key can be decrypted too, if their algorithm suite commits to the key (0478, and 0578, the default of AWS's SDKs).
/// </para>
/// <para>
/// A data key is used only if AWS has accepted the customer's key within <see cref="ByokOptions.ConfirmationInterval"/> and, with a role,
/// the role's trust within <see cref="ByokOptions.RoleCheckInterval"/>. If either is missing, the call asks AWS first. After a denial,
/// calls throw <see cref="ByokKeyUnavailableException"/> at once; AWS is asked again after a pause of 1 second, which doubles up to
/// <see cref="ByokOptions.ConfirmationInterval"/>. A stream that is under way stops too.
/// </para>
/// <para>
/// The encryption context is not secret: the message and the customer's CloudTrail contain it unencrypted. It is bound to the message, so
/// data of one record cannot be used as data of another. Use identifiers in it, never data that needs protection. Names that start with
/// <c>scalr:</c> are reserved: <c>EncryptAsync</c> throws for them, <c>DecryptAsync</c> accepts them as expected pairs.
/// </para>
/// <para>
/// A ring of <c>AddKeyRing</c> is bound to no tenant. It decrypts and re-encrypts every message under its keys, including those of
/// tenants' rings. To accept the messages of one tenant only, pass the pair <c>scalr:tenant</c>. A tenant's ring does not decrypt
/// messages of a ring of <c>AddKeyRing</c>.
/// </para>
/// <para>
/// Large payloads are processed on up to <see cref="ByokOptions.MaxDegreeOfParallelism"/> threads. The overloads for streams use a few
/// buffers, for any size. They read and write at the same time, with one operation at a time per stream. They neither close nor rewind the
/// streams. The exception is the source of a call that a tenant's ring repeats with new settings (<see cref="IByokKeyRingProvider"/>).
/// </para>
/// <para>
/// Safe for concurrent use. <c>AddScalrByok().AddKeyRing(…)</c> registers a ring; the service provider disposes it. Rings of many customers
/// come from <see cref="IByokKeyRingProvider"/>, which also binds their messages to the tenant.
/// </para>
/// </remarks>
public interface IByokKeyRing
{
    /// <summary>The ARN of the key that encrypts, in the current settings.</summary>
    KmsKeyArn KeyArn { get; }

    /// <summary>Encrypts bytes under the customer's key.</summary>
    /// <param name="plaintext">The plaintext; may be empty. Must not change until the task completes.</param>
    /// <param name="encryptionContext">
    /// Pairs to bind to the message. Names must not start with <c>aws-crypto-</c> or <c>scalr:</c>. Null: none.
    /// </param>
    /// <param name="cancellationToken">Cancels the call.</param>
    /// <returns>The message.</returns>
    /// <exception cref="ArgumentException">
    /// The encryption context is invalid, or the message or its header would be too long for an array or for <see cref="ByokOptions"/>.
    /// </exception>
    /// <exception cref="ByokKeyUnavailableException">The customer's key or permission cannot be used. Tell the customer.</exception>
    /// <exception cref="ByokServiceException">AWS KMS or STS gave no usable answer. Retry later if the exception is transient.</exception>
    /// <exception cref="OperationCanceledException">The caller cancelled.</exception>
    /// <exception cref="ObjectDisposedException">The key ring is disposed.</exception>
    /// <remarks>
    /// Costs one kms:Encrypt for each encryption context, then about one per <see cref="ByokDataKeyCacheOptions.MaxAge"/> while it is used.
    /// With a <c>MaxAge</c> of zero, each call costs one. A context that differs per record costs one kms:Encrypt per record.
    /// </remarks>
    [OverloadResolutionPriority(1)] // so that a null for the encryption context is not taken for a buffer writer
    ValueTask<byte[]> EncryptAsync(
        ReadOnlyMemory<byte> plaintext,
        IReadOnlyDictionary<string, string>? encryptionContext = null,
        CancellationToken cancellationToken = default);

    /// <summary>Encrypts bytes under the customer's key into a buffer of the caller.</summary>
    /// <param name="plaintext">The plaintext; may be empty. Must not change until the task completes.</param>
    /// <param name="message">Receives the message in one piece. If the call fails, the writer is not advanced.</param>
    /// <param name="encryptionContext">
    /// Pairs to bind to the message. Names must not start with <c>aws-crypto-</c> or <c>scalr:</c>. Null: none.
    /// </param>
    /// <param name="cancellationToken">Cancels the call.</param>
    /// <returns>A task that completes when the message is written.</returns>
    /// <inheritdoc cref="EncryptAsync(ReadOnlyMemory{byte}, IReadOnlyDictionary{string, string}, CancellationToken)" path="/exception"/>
    ValueTask EncryptAsync(
        ReadOnlyMemory<byte> plaintext,
        IBufferWriter<byte> message,
        IReadOnlyDictionary<string, string>? encryptionContext = null,
        CancellationToken cancellationToken = default);

    /// <summary>Encrypts a stream under the customer's key, in constant memory.</summary>
    /// <param name="plaintext">The source; read from its current position to its end.</param>
    /// <param name="message">
    /// Receives the message, and is flushed. If the call fails, discard what was written: it does not decrypt.
    /// </param>
    /// <param name="encryptionContext">
    /// Pairs to bind to the message. Names must not start with <c>aws-crypto-</c> or <c>scalr:</c>. Null: none.
    /// </param>
    /// <param name="cancellationToken">Cancels the call, including reads and writes.</param>
    /// <returns>A task that completes when the message is written.</returns>
    /// <exception cref="ArgumentException">
    /// A stream cannot be read or written, the encryption context is invalid, or the message or its header would exceed a limit of
    /// <see cref="ByokOptions"/>.
    /// </exception>
    /// <exception cref="ByokKeyUnavailableException">
    /// The customer's key or permission cannot be used, or AWS denied it during the call.
    /// </exception>
    /// <exception cref="ByokServiceException">AWS KMS or STS gave no usable answer, or did not confirm the key during the call.</exception>
    /// <exception cref="OperationCanceledException">The caller cancelled.</exception>
    /// <exception cref="ObjectDisposedException">The key ring is disposed.</exception>
    /// <remarks>Exceptions of the streams are passed on unchanged.</remarks>
    Task EncryptAsync(
        Stream plaintext,
        Stream message,
        IReadOnlyDictionary<string, string>? encryptionContext = null,
        CancellationToken cancellationToken = default);

    /// <summary>Decrypts a message and returns its plaintext: all of it or nothing.</summary>
    /// <param name="message">A message that <c>EncryptAsync</c> wrote. Must not change until the task completes.</param>
    /// <param name="encryptionContext">
    /// Pairs that the message must be bound to, compared exactly. The message may have more. Pass what identifies the record that is read.
    /// Null: any message.
    /// </param>
    /// <param name="cancellationToken">Cancels the call.</param>
    /// <returns>The authenticated plaintext.</returns>
    /// <exception cref="ArgumentException">The encryption context cannot belong to a message.</exception>
    /// <exception cref="ByokDecryptionException">
    /// The message was changed or cut, belongs to another key or encryption context, or exceeds a limit of <see cref="ByokOptions"/>. Treat
    /// it as hostile.
    /// </exception>
    /// <exception cref="ByokKeyUnavailableException">The customer's key or permission cannot be used. Tell the customer.</exception>
    /// <exception cref="ByokServiceException">AWS KMS or STS gave no usable answer. Retry later if the exception is transient.</exception>
    /// <exception cref="OperationCanceledException">The caller cancelled.</exception>
    /// <exception cref="ObjectDisposedException">The key ring is disposed.</exception>
    /// <remarks>
    /// Costs one kms:Decrypt for each data key, then about one per <see cref="ByokDataKeyCacheOptions.MaxAge"/> while it is used. Messages
    /// of one encryption context usually share a data key. With a <c>MaxAge</c> of zero, each call costs one kms:Decrypt.
    /// </remarks>
    [OverloadResolutionPriority(1)] // so that a null for the encryption context is not taken for a buffer writer
    ValueTask<byte[]> DecryptAsync(
        ReadOnlyMemory<byte> message,
        IReadOnlyDictionary<string, string>? encryptionContext = null,
        CancellationToken cancellationToken = default);

    /// <summary>Decrypts a message into a buffer of the caller: all of it or nothing.</summary>
    /// <param name="message">A message that <c>EncryptAsync</c> wrote. Must not change until the task completes.</param>
    /// <param name="plaintext">
    /// Receives the authenticated plaintext in one piece. If the call fails, its bytes are erased and the writer is not advanced.
    /// </param>
    /// <param name="encryptionContext">
    /// Pairs that the message must be bound to, compared exactly. The message may have more. Null: any message.
    /// </param>
    /// <param name="cancellationToken">Cancels the call.</param>
    /// <returns>A task that completes when the plaintext is written.</returns>
    /// <inheritdoc cref="DecryptAsync(ReadOnlyMemory{byte}, IReadOnlyDictionary{string, string}, CancellationToken)" path="/exception"/>
    ValueTask DecryptAsync(
        ReadOnlyMemory<byte> message,
        IBufferWriter<byte> plaintext,
        IReadOnlyDictionary<string, string>? encryptionContext = null,
        CancellationToken cancellationToken = default);

    /// <summary>
    /// Decrypts a stream in constant memory. <b>Do not use the plaintext before the task has succeeded:</b> authenticated frames are
    /// written as they arrive, and only the end of the message proves that it is complete.
    /// </summary>
    /// <param name="message">The source; read from its current position to its end. Nothing may follow the message.</param>
    /// <param name="plaintext">
    /// Receives the plaintext, and is flushed. Only authenticated bytes are written. If the call fails, discard them: they are the start of
    /// a message that was cut or forged later on, or of a signed message whose signature is not verified. Write to a temporary file and
    /// rename it at the end.
    /// </param>
    /// <param name="encryptionContext">
    /// Pairs that the message must be bound to, compared exactly. The message may have more. Null: any message.
    /// </param>
    /// <param name="cancellationToken">Cancels the call, including reads and writes.</param>
    /// <returns>A task that completes when all of the plaintext is authenticated and written.</returns>
    /// <exception cref="ArgumentException">
    /// A stream cannot be read or written, or the encryption context cannot belong to a message.
    /// </exception>
    /// <exception cref="ByokDecryptionException">
    /// The message was changed or cut, belongs to another key or encryption context, or exceeds a limit of <see cref="ByokOptions"/>. Treat
    /// it as hostile.
    /// </exception>
    /// <exception cref="ByokKeyUnavailableException">
    /// The customer's key or permission cannot be used, or AWS denied it during the call.
    /// </exception>
    /// <exception cref="ByokServiceException">AWS KMS or STS gave no usable answer, or did not confirm the key during the call.</exception>
    /// <exception cref="OperationCanceledException">The caller cancelled.</exception>
    /// <exception cref="ObjectDisposedException">The key ring is disposed.</exception>
    /// <remarks>
    /// <para>The last frame is written only after the end of the message and, if it is signed, its signature were verified.</para>
    /// <para>Exceptions of the streams are passed on unchanged.</para>
    /// </remarks>
    Task DecryptAsync(
        Stream message,
        Stream plaintext,
        IReadOnlyDictionary<string, string>? encryptionContext = null,
        CancellationToken cancellationToken = default);

    /// <summary>
    /// Decrypts a message and encrypts it again under <see cref="KeyArn"/>. A message that is current already is returned unchanged.
    /// </summary>
    /// <param name="message">
    /// A message under this ring's current key or a previous one, also a <see cref="ByokDataKey.EncryptedKey"/>. Must not change until the
    /// task completes.
    /// </param>
    /// <param name="policy">Which messages are encrypted again. Default: those that are under another key.</param>
    /// <param name="cancellationToken">Cancels the call.</param>
    /// <returns>
    /// The new message under <see cref="KeyArn"/> alone. If the message is current already: a copy of it. Its header was authenticated, its
    /// body was not.
    /// </returns>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="policy"/> is not defined.</exception>
    /// <exception cref="ByokDecryptionException">
    /// The message was changed or cut, belongs to another key or tenant, or exceeds a limit of <see cref="ByokOptions"/>, or the new
    /// message would: the ARN of its key can be longer.
    /// </exception>
    /// <exception cref="ByokKeyUnavailableException">The customer's key or permission cannot be used. Tell the customer.</exception>
    /// <exception cref="ByokServiceException">AWS KMS or STS gave no usable answer. Retry later if the exception is transient.</exception>
    /// <exception cref="OperationCanceledException">The caller cancelled.</exception>
    /// <exception cref="ObjectDisposedException">The key ring is disposed.</exception>
    /// <remarks>
    /// <para>
    /// For a new KMS key of the customer: add the old key to <c>PreviousKeys</c>, encrypt the stored messages again, then remove the old
    /// key. <see cref="NeedsReencryption(ReadOnlyMemory{byte}, ByokReencryptWhen)"/> finds the messages without a call to AWS. A replica of
    /// the current key counts as current. A message with several encrypted data keys is current if all of them are under the current key.
    /// </para>
    /// <para>
    /// The new message has a new data key, a new message id, and the ring's format. It keeps the encryption context, including the pairs of
    /// a tenant and of a data key. A signed message becomes a message without a signature, so the pair with its public key
    /// (<c>aws-crypto-public-key</c>) is removed. The call asks for a new data key only after the whole old message was authenticated.
    /// </para>
    /// <para>
    /// <b>Cost.</b> As <c>DecryptAsync</c> of the old message plus <c>EncryptAsync</c> of the new one: one kms:Decrypt for each old data
    /// key and one kms:Encrypt for each encryption context, about once per <see cref="ByokDataKeyCacheOptions.MaxAge"/> while they are
    /// used. With a <c>MaxAge</c> of zero, one of each per call. A message that is current already costs what <c>DecryptAsync</c> costs. A
    /// message under the data key with which the ring encrypts at present costs a kms:Encrypt of its own if <paramref name="policy"/> asks
    /// for it.
    /// </para>
    /// <para>
    /// <see cref="ByokResilienceOptions.TotalTimeout"/> limits all calls to AWS of one re-encryption together. The old message stays valid:
    /// a user of the old KMS key can still decrypt copies of it. Nothing in the new message helps to change or forge the old one.
    /// </para>
    /// </remarks>
    ValueTask<byte[]> ReencryptAsync(
        ReadOnlyMemory<byte> message,
        ByokReencryptWhen policy = ByokReencryptWhen.KeyDiffers,
        CancellationToken cancellationToken = default);

    /// <summary>
    /// Decrypts a message and encrypts it again under <see cref="KeyArn"/> into a buffer of the caller. A message that is current already
    /// is copied.
    /// </summary>
    /// <param name="message">A message under this ring's current key or a previous one. Must not change until the task completes.</param>
    /// <param name="reencrypted">
    /// Receives the new message, or the unchanged message, in one piece. If the call fails, the writer is not advanced.
    /// </param>
    /// <param name="policy">Which messages are encrypted again. Default: those that are under another key.</param>
    /// <param name="cancellationToken">Cancels the call.</param>
    /// <returns>Whether the message was encrypted again. False: the buffer received the unchanged message.</returns>
    /// <inheritdoc cref="ReencryptAsync(ReadOnlyMemory{byte}, ByokReencryptWhen, CancellationToken)" path="/exception"/>
    /// <inheritdoc cref="ReencryptAsync(ReadOnlyMemory{byte}, ByokReencryptWhen, CancellationToken)" path="/remarks"/>
    ValueTask<bool> ReencryptAsync(
        ReadOnlyMemory<byte> message,
        IBufferWriter<byte> reencrypted,
        ByokReencryptWhen policy = ByokReencryptWhen.KeyDiffers,
        CancellationToken cancellationToken = default);

    /// <summary>
    /// Decrypts a message from a stream and encrypts it again under <see cref="KeyArn"/>, in constant memory. <b>Writes nothing if the
    /// message is current already:</b> keep the old message then.
    /// </summary>
    /// <param name="message">
    /// The source; read from its current position to its end. Nothing may follow the message. If the message is current already, only the
    /// header and possibly some kilobytes after it are read.
    /// </param>
    /// <param name="reencrypted">
    /// Receives the new message, and is flushed. Replace the old message by it only if the result is true. If the call fails, discard what
    /// was written and keep the old message: what was written has no end, so it does not decrypt. Write to a temporary file and rename it
    /// at the end.
    /// </param>
    /// <param name="policy">Which messages are encrypted again. Default: those that are under another key.</param>
    /// <param name="cancellationToken">Cancels the call, including reads and writes.</param>
    /// <returns>
    /// Whether the message was encrypted again. False: its header was authenticated, its body was not read, and nothing was written. So a
    /// second pass over large files costs the reading of their headers.
    /// </returns>
    /// <exception cref="ArgumentException">A stream cannot be read or written.</exception>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="policy"/> is not defined.</exception>
    /// <exception cref="ByokDecryptionException">
    /// The message was changed or cut, belongs to another key or tenant, or exceeds a limit of <see cref="ByokOptions"/>, or the new
    /// message would: the ARN of its key can be longer.
    /// </exception>
    /// <exception cref="ByokKeyUnavailableException">
    /// The customer's key or permission cannot be used, or AWS denied it during the call.
    /// </exception>
    /// <exception cref="ByokServiceException">AWS KMS or STS gave no usable answer, or did not confirm a key during the call.</exception>
    /// <exception cref="OperationCanceledException">The caller cancelled.</exception>
    /// <exception cref="ObjectDisposedException">The key ring is disposed.</exception>
    /// <remarks>
    /// <para>
    /// The new message is as that of the overload for memory, and costs the same calls to AWS, which are made before the body is read. A
    /// stream that takes longer than <see cref="ByokOptions.ConfirmationInterval"/> costs confirmations of both keys, as other streams do.
    /// <see cref="ByokResilienceOptions.TotalTimeout"/> limits the calls to AWS, not the time to read and write the streams.
    /// </para>
    /// <para>
    /// The end of the new message is written only after the end of the old message and, if it is signed, its signature were verified. The
    /// plaintext is never in memory as a whole. Exceptions of the streams are passed on unchanged.
    /// </para>
    /// </remarks>
    Task<bool> ReencryptAsync(
        Stream message,
        Stream reencrypted,
        ByokReencryptWhen policy = ByokReencryptWhen.KeyDiffers,
        CancellationToken cancellationToken = default);

    /// <summary>Whether <c>ReencryptAsync</c> would encrypt a message again. Reads its header alone, and makes no call to AWS.</summary>
    /// <param name="message">A message, or its start with the whole header. Bytes after the header are ignored.</param>
    /// <param name="policy">Which messages are encrypted again. Default: those that are under another key.</param>
    /// <returns>
    /// Whether the header names another key, or asks for re-encryption by <paramref name="policy"/>. <b>Not authenticated:</b> a changed
    /// header can make the result wrong. The tenant of the message is not compared.
    /// </returns>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="policy"/> is not defined.</exception>
    /// <exception cref="ByokDecryptionException">
    /// The bytes are not a message, end within the header, are of an unsupported kind, or exceed a limit of <see cref="ByokOptions"/>.
    /// </exception>
    /// <remarks>Uses the key and the options of the settings that the last call used.</remarks>
    bool NeedsReencryption(ReadOnlyMemory<byte> message, ByokReencryptWhen policy = ByokReencryptWhen.KeyDiffers);

    /// <summary>
    /// Whether <c>ReencryptAsync</c> would encrypt the message of a header again. Makes no call to AWS. For messages in streams.
    /// </summary>
    /// <param name="header">The header, as <see cref="ByokMessage.ReadAsync"/> reads it.</param>
    /// <param name="policy">Which messages are encrypted again. Default: those that are under another key.</param>
    /// <returns>
    /// Whether the header names another key, or asks for re-encryption by <paramref name="policy"/>. <b>Not authenticated:</b> a changed
    /// header can make the result wrong. The tenant of the message is not compared.
    /// </returns>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="policy"/> is not defined.</exception>
    /// <remarks>Uses the key and the options of the settings that the last call used.</remarks>
    bool NeedsReencryption(UnauthenticatedHeader header, ByokReencryptWhen policy = ByokReencryptWhen.KeyDiffers);

    /// <summary>Creates a data key for many small values, such as database columns.</summary>
    /// <param name="encryptionContext">
    /// Pairs to bind the data key to. Names must not start with <c>aws-crypto-</c> or <c>scalr:</c>. Null: none.
    /// </param>
    /// <param name="cancellationToken">Cancels the call.</param>
    /// <returns>The open data key. Store its <see cref="ByokDataKey.EncryptedKey"/> before you use it. The caller disposes it.</returns>
    /// <exception cref="ArgumentException">
    /// The encryption context is invalid, or the header would be too long for <see cref="ByokOptions"/>.
    /// </exception>
    /// <inheritdoc cref="EncryptAsync(ReadOnlyMemory{byte}, IReadOnlyDictionary{string, string}, CancellationToken)" path="/exception"/>
    /// <remarks>
    /// <para>
    /// Costs one kms:Encrypt, and one kms:Decrypt if none was accepted within <see cref="ByokOptions.ConfirmationInterval"/>.
    /// <see cref="ByokDataKey"/> describes the cost of an open data key. If two requests can create a tenant's first data key at once, use
    /// <see cref="ByokKeyRingExtensions.GetOrCreateDataKeyAsync"/>.
    /// </para>
    /// <para>
    /// The encrypted key is a message whose plaintext is the 32 key bytes. Its encryption context contains the pair <c>scalr:purpose</c> =
    /// <c>data-key</c>. <c>DecryptAsync</c> returns the raw key bytes only if the caller passes that pair.
    /// </para>
    /// </remarks>
    ValueTask<ByokDataKey> CreateDataKeyAsync(
        IReadOnlyDictionary<string, string>? encryptionContext = null, CancellationToken cancellationToken = default);

    /// <summary>Opens a data key that <see cref="CreateDataKeyAsync"/> created.</summary>
    /// <param name="encryptedKey">The stored <see cref="ByokDataKey.EncryptedKey"/>, original or re-encrypted.</param>
    /// <param name="encryptionContext">
    /// Pairs that the data key must be bound to, compared exactly. It may have more. Null: any data key.
    /// </param>
    /// <param name="cancellationToken">Cancels the call.</param>
    /// <returns>The open data key. The caller disposes it.</returns>
    /// <exception cref="ArgumentException">The encryption context cannot belong to a message.</exception>
    /// <exception cref="ByokDecryptionException">
    /// The encrypted key was changed or cut, is not a data key, or belongs to another key ring or encryption context. Treat it as hostile.
    /// </exception>
    /// <exception cref="ByokKeyUnavailableException">The customer's key or permission cannot be used. Tell the customer.</exception>
    /// <exception cref="ByokServiceException">AWS KMS or STS gave no usable answer. Retry later if the exception is transient.</exception>
    /// <exception cref="OperationCanceledException">The caller cancelled.</exception>
    /// <exception cref="ObjectDisposedException">The key ring is disposed.</exception>
    /// <remarks>
    /// Costs at most one kms:Decrypt per three fifths of <see cref="ByokDataKeyCacheOptions.MaxAge"/>, however often the data key is
    /// opened. With a <c>MaxAge</c> of zero, each call costs one kms:Decrypt. <see cref="ByokDataKey"/> describes the cost of an open data
    /// key.
    /// </remarks>
    ValueTask<ByokDataKey> OpenDataKeyAsync(
        ReadOnlyMemory<byte> encryptedKey,
        IReadOnlyDictionary<string, string>? encryptionContext = null,
        CancellationToken cancellationToken = default);

    /// <summary>
    /// Queries the health of the key and its replicas: whether they can be used, and which problems lie ahead.
    /// </summary>
    /// <remarks>
    /// <para>Costs one kms:DescribeKey per Region.</para>
    /// <para>A denial or an outage is a finding, not an exception. <see cref="ByokKeyFinding.Owner"/> says who has to act.</para>
    /// <para>
    /// The result also reports a denial of kms:Encrypt or kms:Decrypt that calls of this ring received. The probe repeats a denied action
    /// at most once per <see cref="ByokOptions.ConfirmationInterval"/>, so health recovers without other calls. Without such a denial, only
    /// kms:DescribeKey decides. <see cref="IByokVerifier"/> tries kms:Encrypt and kms:Decrypt.
    /// </para>
    /// <para>If the key cannot be used, its plaintext data keys are erased at once.</para>
    /// </remarks>
    /// <param name="cancellationToken">Cancels the call.</param>
    /// <returns>
    /// The health of the key. Also if AWS does not answer, it is returned within <see cref="ByokResilienceOptions.TotalTimeout"/> for the
    /// key plus the same time for its replicas.
    /// </returns>
    /// <exception cref="ObjectDisposedException">The key ring is disposed.</exception>
    /// <exception cref="OperationCanceledException">The caller cancelled.</exception>
    Task<ByokKeyHealth> ProbeAsync(CancellationToken cancellationToken = default);
}
