using System.Buffers;
using System.Security.Cryptography;
using Scalr.Byok.Kms.DataKeys;
using Scalr.Byok.Kms.Diagnostics;

namespace Scalr.Byok.Kms.Messages;

/// <summary>
/// Authenticates and decrypts a message from pipe to pipe, in constant memory. Plaintext is passed to the destination in batches of
/// frames, once all tags of the batch are verified. The last frame is passed on only after the end of the message and, if it is signed,
/// its signature are verified.
/// </summary>
internal sealed class MessagePipeReader : IDisposable
{
    private readonly BodyFormat _format;
    private readonly SignatureKey? _signatureKey;
    private readonly IncrementalHash? _signed;
    private readonly PipeCipher _cipher;
    private readonly MessageOptions _options;
    private readonly int _batchFrames;
    private uint _due = 1;
    private long _written;

    private MessagePipeReader(MessageHeader header, PipeCipher cipher, MessageOptions options)
    {
        _format = header.Body;
        _cipher = cipher;
        _options = options;
        _batchFrames = PipePair.BatchFrames(header.Body.RegularFrameLength, options.MaxDegreeOfParallelism);
        if (header.Suite.Signs)
        {
            _signatureKey = header.SignatureKey;
            _signed = IncrementalHash.CreateHash(HashAlgorithmName.SHA384);

            // The signature covers the header, the body's bytes as received, and nothing else.
            _signed.AppendData(header.Bytes.Span);
        }
    }

    /// <summary>Authenticates the header and derives what it needs from the data key, which may be erased afterwards.</summary>
    /// <param name="header">The header.</param>
    /// <param name="dataKey">The data key of one of the header's encrypted data keys.</param>
    /// <param name="options">The limits.</param>
    /// <exception cref="ByokDecryptionException">The header is not authentic, or belongs to another data key.</exception>
    /// <exception cref="ObjectDisposedException">The data key is erased.</exception>
    public static MessagePipeReader Begin(MessageHeader header, DataKey dataKey, MessageOptions options)
    {
        Span<byte> contentKey = stackalloc byte[MessageKeys.ContentKeyLength];
        try
        {
            // False if the commitment is that of another data key. The errors do not say which check failed.
            if (!MessageKeys.TryDerive(header, dataKey, contentKey))
            {
                throw new ByokDecryptionException();
            }

            PipeCipher cipher = new(contentKey, header.MessageId, options.MaxDegreeOfParallelism);

            // Trust boundary: the header's fields are the sender's until its tag is verified here. Until then nothing of the body is
            // decrypted.
            if (!cipher.ForHeader.TryOpenHeader(header))
            {
                cipher.Dispose();
                throw new ByokDecryptionException();
            }

            return new MessagePipeReader(header, cipher, options);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(contentKey);
        }
    }

    /// <summary>Decrypts to the end of the message. May be called once, after the header was read from the pipe.</summary>
    /// <exception cref="ByokDecryptionException">
    /// The message is not authentic to its end. The plaintext written so far is authentic, but incomplete.
    /// </exception>
    /// <exception cref="ByokException">The data key may no longer be used.</exception>
    public Task RunAsync(PipePair pipes, IStreamUse use, CancellationToken cancellationToken) =>
        PipePair.RunAsync(_cipher, use, token => DecryptAsync(pipes, use, token), cancellationToken);

    public void Dispose()
    {
        _signed?.Dispose();
        _cipher.Dispose();
    }

    private async Task DecryptAsync(PipePair pipes, IStreamUse use, CancellationToken cancellationToken)
    {
        Batch batch = default;
        while (!batch.EndsMessage)
        {
            batch = await DecryptBatchAsync(pipes, batch.Needed, use, cancellationToken).ConfigureAwait(false);
            if (batch.Frames > 0)
            {
                await pipes.FlushAsync(batch.EndsMessage, cancellationToken).ConfigureAwait(false);
            }
        }

        Instruments.Decrypted(_written);
    }

    private async ValueTask<Batch> DecryptBatchAsync(PipePair pipes, long needed, IStreamUse use, CancellationToken cancellationToken)
    {
        var read = await pipes.ReadAsync(Math.Max(1, needed), _options, cancellationToken).ConfigureAwait(false);
        var buffer = read.Buffer;
        var consumed = buffer.Start;
        try
        {
            var batch = Find(buffer, read.IsCompleted);
            if (batch.Frames == 0)
            {
                return read.IsCompleted ? throw new ByokDecryptionException() : batch;
            }

            var frames = buffer.Slice(0, batch.End);
            _signed?.AppendData(frames);
            if (batch.EndsMessage && !EndsAfter(buffer.Slice(batch.End)))
            {
                // Neither this frame nor those that came with it: the end of the message is not proved.
                throw new ByokDecryptionException();
            }

            // The facts, before each batch is decrypted and passed on.
            await use.EnsureAsync(cancellationToken).ConfigureAwait(false);
            Decrypt(frames, batch, pipes);
            consumed = batch.EndsMessage ? buffer.End : frames.End;
            return batch;
        }
        finally
        {
            pipes.Consume(buffer, consumed);
        }
    }

    private void Decrypt(ReadOnlySequence<byte> frames, Batch batch, PipePair pipes)
    {
        // In the memory of the destination, which is not part of the pipe before Advance.
        var plaintext = pipes.GetMemory(batch.PlaintextLength);
        var authentic = false;
        try
        {
            authentic = _cipher.TryDecrypt(frames, batch.Frames, _due, _format, plaintext);
        }
        finally
        {
            if (!authentic)
            {
                CryptographicOperations.ZeroMemory(plaintext.Span);
            }
        }

        if (!authentic)
        {
            throw new ByokDecryptionException();
        }

        pipes.Advance(batch.PlaintextLength);
        _written += batch.PlaintextLength;
        _due += batch.EndsMessage ? 0 : (uint)batch.Frames;
    }

    /// <summary>
    /// Finds the whole frames that can be passed on, by the lengths that they claim. None if more bytes must arrive first. The last frame
    /// of the message is among them only if the bytes after it show whether the message ends there.
    /// </summary>
    private Batch Find(ReadOnlySequence<byte> body, bool isCompleted)
    {
        Span<byte> start = stackalloc byte[FrameHead.MaxLength];
        Batch batch = default;
        var rest = body;
        while (batch.Frames < _batchFrames)
        {
            if (!FrameHead.TryRead(BodyFrames.Start(rest, start), _due + (uint)batch.Frames, _format, out var head))
            {
                // Too few bytes for a head, or the head of another frame than the expected one.
                return batch.Frames > 0 ? batch
                    : rest.Length < start.Length ? new Batch { Needed = FrameHead.MaxLength }
                    : throw new ByokDecryptionException();
            }

            // Before the pipe is asked to hold that much.
            if (head.ContentLength > _options.MaxFrameLength)
            {
                return batch.Frames > 0 ? batch : throw new ByokDecryptionException(HeaderErrors.FrameTooLong(_options.MaxFrameLength));
            }

            var isLast = head.Kind != FrameKind.Regular;
            var after = rest.Length - head.FrameLength;
            if (after < 0 || (isLast && !isCompleted && after <= LongestEnd))
            {
                return batch.Frames > 0 ? batch : new Batch { Needed = head.FrameLength + (isLast ? LongestEnd + 1 : 0) };
            }

            batch.Frames++;
            rest = rest.Slice(head.FrameLength);
            batch.End = rest.Start;
            batch.PlaintextLength += (int)head.ContentLength;
            batch.EndsMessage = isLast;
            if (isLast)
            {
                break;
            }
        }

        return batch;
    }

    /// <summary>The most bytes that may follow the last frame.</summary>
    private int LongestEnd => _signed is null ? 0 : Footer.MaxLength;

    /// <summary>Whether the message ends after the last frame, with a valid signature if the suite signs.</summary>
    private bool EndsAfter(ReadOnlySequence<byte> rest)
    {
        if (_signed is null)
        {
            return rest.IsEmpty;
        }

        Span<byte> hash = stackalloc byte[SHA384.HashSizeInBytes];
        _signed.GetHashAndReset(hash);
        return Footer.TryRead(rest, out var signature) && _signatureKey?.Verifies(hash, signature) == true;
    }

    /// <summary>Frames to process together.</summary>
    private struct Batch
    {
        public int Frames;

        /// <summary>Where they end.</summary>
        public SequencePosition End;
        public int PlaintextLength;
        public bool EndsMessage;

        /// <summary>Without frames: how many bytes the next one needs.</summary>
        public long Needed;
    }
}
