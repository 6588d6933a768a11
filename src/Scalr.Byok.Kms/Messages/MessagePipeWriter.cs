using System.Diagnostics;
using System.Security.Cryptography;
using Scalr.Byok.Kms.DataKeys;
using Scalr.Byok.Kms.Diagnostics;

namespace Scalr.Byok.Kms.Messages;

/// <summary>
/// Writes a message from pipe to pipe, in constant memory. The bytes are the same as those of <see cref="MessageWriter"/>.
/// </summary>
internal sealed class MessagePipeWriter : IDisposable
{
    private readonly byte[] _header;
    private readonly PipeCipher _cipher;
    private readonly int _frameLength;
    private readonly int _batchFrames;
    private readonly long _maxMessageLength;
    private readonly Func<long, Exception> _tooLong;
    private long _length;
    private long _frames;

    private MessagePipeWriter(
        MessageTemplate template,
        ReadOnlySpan<byte> contentKey,
        byte[] messageId,
        ReadOnlySpan<byte> commitment,
        MessageOptions options,
        Func<long, Exception> tooLong)
    {
        _tooLong = tooLong;
        _frameLength = template.FrameLength;
        _batchFrames = PipePair.BatchFrames(_frameLength + (long)MessageFormat.RegularFrameOverhead, options.MaxDegreeOfParallelism);
        _maxMessageLength = options.MaxMessageLength;
        _cipher = new PipeCipher(contentKey, messageId, options.MaxDegreeOfParallelism);
        _header = new byte[template.HeaderLength];
        template.WriteHeader(_header, messageId, commitment, _cipher.ForHeader);
        _length = _header.Length;
    }

    /// <summary>Derives what it needs from the data key, which may be erased afterwards.</summary>
    /// <param name="template">The template of the data key.</param>
    /// <param name="dataKey">The data key.</param>
    /// <param name="messageId">An id that occurs only once under one data key.</param>
    /// <param name="options">The limits.</param>
    /// <param name="tooLong">
    /// Creates the exception for a message that would exceed the limit, its argument. Null: an exception about the plaintext.
    /// </param>
    /// <exception cref="ObjectDisposedException">The data key is erased.</exception>
    public static MessagePipeWriter Begin(
        MessageTemplate template, DataKey dataKey, byte[] messageId, MessageOptions options, Func<long, Exception>? tooLong = null)
    {
        Span<byte> contentKey = stackalloc byte[MessageKeys.ContentKeyLength];
        Span<byte> commitment = stackalloc byte[MessageFormat.CommitmentLength];
        try
        {
            MessageKeys.Derive(AlgorithmSuite.Committing, dataKey, messageId, contentKey, commitment);
            return new MessagePipeWriter(
                template, contentKey, messageId, commitment, options, tooLong ?? MessageWriter.TooLong);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(contentKey);
        }
    }

    /// <summary>The length of the message so far, in bytes.</summary>
    public long Length => _length;

    /// <summary>Encrypts to the end of the plaintext. May be called once.</summary>
    /// <exception cref="ArgumentException">The message would exceed the limit.</exception>
    /// <exception cref="ByokException">The data key may no longer be used.</exception>
    public Task RunAsync(PipePair pipes, IStreamUse use, CancellationToken cancellationToken) =>
        PipePair.RunAsync(_cipher, use, token => EncryptAsync(pipes, use, token), cancellationToken);

    public void Dispose() => _cipher.Dispose();

    private async Task EncryptAsync(PipePair pipes, IStreamUse use, CancellationToken cancellationToken)
    {
        var more = true;
        while (more)
        {
            more = await EncryptBatchAsync(pipes, use, cancellationToken).ConfigureAwait(false);
            await pipes.FlushAsync(isLast: !more, cancellationToken).ConfigureAwait(false);
        }

        Instruments.Encrypted(_length - _header.Length - BodyFrames.Length(0, _frames, endsMessage: true));
    }

    private async ValueTask<bool> EncryptBatchAsync(PipePair pipes, IStreamUse use, CancellationToken cancellationToken)
    {
        // One byte more than a frame shows that the frame is not the last one.
        var read = await pipes.ReadAsync(_frameLength + 1L, limits: null, cancellationToken).ConfigureAwait(false);
        var buffer = read.Buffer;
        var consumed = buffer.Start;
        try
        {
            var frames = BodyFrames.Count(buffer.Length, _frameLength);
            if (read.IsCompleted)
            {
                // All of the plaintext is there. Before anything more is written.
                ThrowUnlessFits(buffer.Length, frames, endsMessage: true);
            }

            var ends = read.IsCompleted && frames <= _batchFrames;
            frames = ends ? frames : Math.Min(_batchFrames, (buffer.Length - 1) / _frameLength);
            var plaintext = ends ? buffer : buffer.Slice(0, frames * _frameLength);
            ThrowUnlessFits(plaintext.Length, frames, ends);

            // The facts, before the work of each batch. What it writes is ciphertext.
            await use.EnsureAsync(cancellationToken).ConfigureAwait(false);
            Debug.Assert(frames > 0, "without the end, there is more than a frame");
            var start = _frames == 0 ? _header.Length : 0;
            var length = (int)BodyFrames.Length(plaintext.Length, frames, ends);
            var memory = pipes.GetMemory(start + length);
            if (start > 0)
            {
                // Together with the first frames, so that a call that fails before them writes nothing.
                _header.CopyTo(memory);
            }

            _cipher.Encrypt(plaintext, memory[start..], (uint)(_frames + 1), ends, _frameLength);
            pipes.Advance(memory.Length);
            _frames += frames;
            _length += length;
            consumed = plaintext.End;
            return !ends;
        }
        finally
        {
            pipes.Consume(buffer, consumed);
        }
    }

    private void ThrowUnlessFits(long plaintextLength, long frames, bool endsMessage)
    {
        if (_length + BodyFrames.Length(plaintextLength, frames, endsMessage) > _maxMessageLength)
        {
            throw _tooLong(_maxMessageLength);
        }

        // Sequence numbers have 32 bits and make the IV, which must not repeat under one key.
        if (_frames + frames > uint.MaxValue)
        {
            throw MessageWriter.PlaintextTooLong("The message would have more frames than the format can count. Raise FrameLength.");
        }
    }
}
