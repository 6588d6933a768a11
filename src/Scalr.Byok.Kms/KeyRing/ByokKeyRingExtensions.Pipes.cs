using System.Buffers;
using System.IO.Pipelines;
using Scalr.Byok.Kms.KeyRing;

namespace Scalr.Byok.Kms;

public static partial class ByokKeyRingExtensions
{
    /// <summary>Encrypts from a pipe to a pipe under the customer's key, in constant memory and without copies of its own.</summary>
    /// <param name="ring">The key ring.</param>
    /// <param name="plaintext">
    /// The source, for example <c>Request.BodyReader</c>; read to its end, and not completed. All of it is consumed if the call succeeds.
    /// </param>
    /// <param name="message">
    /// Receives the message, and is flushed after each batch of frames. Not completed: complete it with an exception if the call fails.
    /// What was written then does not decrypt. A pipe over a file: <see cref="PipeWriter.Create(Stream, StreamPipeWriterOptions?)"/>.
    /// </param>
    /// <param name="encryptionContext">
    /// Pairs to bind to the message. Names must not start with <c>aws-crypto-</c> or <c>scalr:</c>. Null: none.
    /// </param>
    /// <param name="cancellationToken">Cancels the call, including reads and flushes.</param>
    /// <returns>A task that completes when the message is written and flushed.</returns>
    /// <exception cref="ArgumentNullException">An argument is null.</exception>
    /// <exception cref="ArgumentException">
    /// The encryption context is invalid, or the message or its header would exceed a limit of <see cref="ByokOptions"/>.
    /// </exception>
    /// <exception cref="ByokKeyUnavailableException">
    /// The customer's key or permission cannot be used, or AWS denied it during the call.
    /// </exception>
    /// <exception cref="ByokServiceException">AWS KMS or STS gave no usable answer, or did not confirm the key during the call.</exception>
    /// <exception cref="IOException">The reader of <paramref name="message"/> has completed before the end.</exception>
    /// <exception cref="OperationCanceledException">The caller cancelled, or cancelled a pending read or flush of a pipe.</exception>
    /// <exception cref="ObjectDisposedException">The key ring is disposed.</exception>
    /// <remarks>
    /// <para>
    /// Costs what the overload for streams costs, and follows the same rules: <see cref="ByokResilienceOptions.TotalTimeout"/> limits
    /// the calls to AWS, not the time to read and write. Exceptions of the pipes are passed on unchanged.
    /// </para>
    /// <para>
    /// The call waits for one frame and one byte (<see cref="ByokOptions.FrameLength"/>), and encrypts all whole frames that have arrived,
    /// at most 512 KiB at a time on one thread, and 2 MiB per thread up to 8 MiB on several. So the source holds at least one frame, also
    /// if its own threshold is lower. Several threads work if it has 512 KiB or more.
    /// </para>
    /// </remarks>
    public static async Task EncryptAsync(
        this IByokKeyRing ring,
        PipeReader plaintext,
        PipeWriter message,
        IReadOnlyDictionary<string, string>? encryptionContext = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(ring);
        ArgumentNullException.ThrowIfNull(plaintext);
        ArgumentNullException.ThrowIfNull(message);
        await (ring is IPipeKeyRing own
            ? own.EncryptAsync(plaintext, message, encryptionContext, cancellationToken)
            : ring.EncryptAsync(
                plaintext.AsStream(leaveOpen: true), message.AsStream(leaveOpen: true), encryptionContext, cancellationToken))
            .ConfigureAwait(false);
    }

    /// <summary>
    /// Decrypts from a pipe to a pipe, in constant memory and without copies of its own. <b>Do not use the plaintext before the task has
    /// succeeded:</b> authenticated frames are written as they arrive, and only the end of the message proves that it is complete.
    /// </summary>
    /// <param name="ring">The key ring.</param>
    /// <param name="message">
    /// The source; read to its end, and not completed. Nothing may follow the message. All of it is consumed if the call succeeds. A pipe
    /// over a file: <see cref="PipeReader.Create(Stream, StreamPipeReaderOptions?)"/>.
    /// </param>
    /// <param name="plaintext">
    /// Receives the plaintext, for example <c>Response.BodyWriter</c>, and is flushed after each batch of frames. Not completed. Only
    /// authenticated bytes are written. If the call fails, its reader must discard them: complete it with the exception, or abort the
    /// connection.
    /// </param>
    /// <param name="encryptionContext">
    /// Pairs that the message must be bound to, compared exactly. The message may have more. Null: any message.
    /// </param>
    /// <param name="cancellationToken">Cancels the call, including reads and flushes.</param>
    /// <returns>A task that completes when all of the plaintext is authenticated, written and flushed.</returns>
    /// <exception cref="ArgumentNullException">An argument is null.</exception>
    /// <exception cref="ArgumentException">The encryption context cannot belong to a message.</exception>
    /// <exception cref="ByokDecryptionException">
    /// The message was changed or cut, belongs to another key or encryption context, or exceeds a limit of <see cref="ByokOptions"/>. Treat
    /// it as hostile.
    /// </exception>
    /// <exception cref="ByokKeyUnavailableException">
    /// The customer's key or permission cannot be used, or AWS denied it during the call.
    /// </exception>
    /// <exception cref="ByokServiceException">AWS KMS or STS gave no usable answer, or did not confirm the key during the call.</exception>
    /// <exception cref="IOException">The reader of <paramref name="plaintext"/> has completed before the end.</exception>
    /// <exception cref="OperationCanceledException">The caller cancelled, or cancelled a pending read or flush of a pipe.</exception>
    /// <exception cref="ObjectDisposedException">The key ring is disposed.</exception>
    /// <remarks>
    /// <para>
    /// Costs what the overload for streams costs, and follows the same rules: <see cref="ByokResilienceOptions.TotalTimeout"/> limits
    /// the calls to AWS, not the time to read and write. Exceptions of the pipes are passed on unchanged.
    /// </para>
    /// <para>
    /// Frames are decrypted into the memory of <paramref name="plaintext"/>, which becomes part of the pipe only after all tags of a batch
    /// are verified, and is erased otherwise. The last frame is written only after the end of the message and, if it is signed, its
    /// signature were verified. The source holds one frame of the message at least, at most
    /// <see cref="ByokOptions.MaxFrameLength"/> and 64 KiB more for the end.
    /// </para>
    /// </remarks>
    public static async Task DecryptAsync(
        this IByokKeyRing ring,
        PipeReader message,
        PipeWriter plaintext,
        IReadOnlyDictionary<string, string>? encryptionContext = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(ring);
        ArgumentNullException.ThrowIfNull(message);
        ArgumentNullException.ThrowIfNull(plaintext);
        await (ring is IPipeKeyRing own
            ? own.DecryptAsync(message, plaintext, encryptionContext, cancellationToken)
            : ring.DecryptAsync(
                message.AsStream(leaveOpen: true), plaintext.AsStream(leaveOpen: true), encryptionContext, cancellationToken))
            .ConfigureAwait(false);
    }

    /// <summary>Encrypts bytes in several pieces under the customer's key into a buffer of the caller.</summary>
    /// <param name="ring">The key ring.</param>
    /// <param name="plaintext">The plaintext; may be empty. Must not change until the task completes.</param>
    /// <param name="message">
    /// Receives the message in one piece. If the call fails, the writer is not advanced. A <see cref="PipeWriter"/> is not flushed: to
    /// encrypt a long sequence to a pipe in constant memory, read it with <see cref="PipeReader.Create(ReadOnlySequence{byte})"/>.
    /// </param>
    /// <param name="encryptionContext">
    /// Pairs to bind to the message. Names must not start with <c>aws-crypto-</c> or <c>scalr:</c>. Null: none.
    /// </param>
    /// <param name="cancellationToken">Cancels the call.</param>
    /// <returns>A task that completes when the message is written.</returns>
    /// <inheritdoc path="/exception"
    /// cref="IByokKeyRing.EncryptAsync(ReadOnlyMemory{byte}, IReadOnlyDictionary{string, string}, CancellationToken)"/>
    /// <remarks>Costs what <c>EncryptAsync</c> of bytes in one piece costs. Only frames that are in several pieces are copied.</remarks>
    public static async ValueTask EncryptAsync(
        this IByokKeyRing ring,
        ReadOnlySequence<byte> plaintext,
        IBufferWriter<byte> message,
        IReadOnlyDictionary<string, string>? encryptionContext = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(ring);
        ArgumentNullException.ThrowIfNull(message);
        if (ring is IPipeKeyRing own)
        {
            await own.EncryptAsync(plaintext, message, encryptionContext, cancellationToken).ConfigureAwait(false);
            return;
        }

        using PlaintextBuffer whole = new();
        plaintext.CopyTo(whole.GetSpan((int)plaintext.Length));
        whole.Advance((int)plaintext.Length);
        await ring.EncryptAsync(whole.Written, message, encryptionContext, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Decrypts a message in several pieces into a buffer of the caller: all of it or nothing.</summary>
    /// <param name="ring">The key ring.</param>
    /// <param name="message">A message that <c>EncryptAsync</c> wrote. Must not change until the task completes.</param>
    /// <param name="plaintext">
    /// Receives the authenticated plaintext in one piece. If the call fails, its bytes are erased and the writer is not advanced. A
    /// <see cref="PipeWriter"/> is not flushed.
    /// </param>
    /// <param name="encryptionContext">
    /// Pairs that the message must be bound to, compared exactly. The message may have more. Null: any message.
    /// </param>
    /// <param name="cancellationToken">Cancels the call.</param>
    /// <returns>A task that completes when the plaintext is written.</returns>
    /// <inheritdoc path="/exception"
    /// cref="IByokKeyRing.DecryptAsync(ReadOnlyMemory{byte}, IReadOnlyDictionary{string, string}, CancellationToken)"/>
    /// <remarks>
    /// Costs what <c>DecryptAsync</c> of a message in one piece costs. Only frames that are in several pieces are copied.
    /// </remarks>
    public static async ValueTask DecryptAsync(
        this IByokKeyRing ring,
        ReadOnlySequence<byte> message,
        IBufferWriter<byte> plaintext,
        IReadOnlyDictionary<string, string>? encryptionContext = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(ring);
        ArgumentNullException.ThrowIfNull(plaintext);
        var call = ring is IPipeKeyRing own
            ? own.DecryptAsync(message, plaintext, encryptionContext, cancellationToken)
            : ring.DecryptAsync(
                message.IsSingleSegment ? message.First : message.ToArray(), plaintext, encryptionContext, cancellationToken);
        await call.ConfigureAwait(false);
    }
}
