using System.Security.Cryptography;
using Scalr.Byok.Kms.DataKeys;
using Scalr.Byok.Kms.Diagnostics;

namespace Scalr.Byok.Kms.Messages;

/// <summary>
/// Writes a message from stream to stream, in constant memory. The bytes are the same as those of <see cref="MessageWriter"/>.
/// </summary>
internal sealed class MessageStreamWriter : ISegmentFlow, IDisposable
{
    private const int FinalFrameExtra = MessageFormat.FinalFrameOverhead - MessageFormat.RegularFrameOverhead;

    private readonly byte[] _header;
    private readonly Segment[] _segments;
    private readonly int _frameLength;
    private readonly SegmentSizes _sizes;
    private readonly int _regularLength;
    private readonly long _maxMessageLength;
    private readonly Func<long, Exception> _tooLong;
    private Stream _plaintext = Stream.Null;
    private Stream _message = Stream.Null;
    private long _length;
    private long _frames;

    // One byte of plaintext that was read beyond the last segment.
    private byte? _ahead;

    private MessageStreamWriter(
        MessageTemplate template,
        ReadOnlySpan<byte> contentKey,
        byte[] messageId,
        ReadOnlySpan<byte> commitment,
        MessageOptions options,
        Func<long, Exception> tooLong)
    {
        _tooLong = tooLong;
        _frameLength = template.FrameLength;
        _regularLength = _frameLength + MessageFormat.RegularFrameOverhead;
        _sizes = SegmentSizes.For(_regularLength, options.MaxDegreeOfParallelism);
        _maxMessageLength = options.MaxMessageLength;

        _segments = Segment.Create(contentKey, messageId, options.MaxDegreeOfParallelism);
        _header = new byte[template.HeaderLength];
        template.WriteHeader(_header, messageId, commitment, _segments[0].Cipher);
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
    public static MessageStreamWriter Begin(
        MessageTemplate template, DataKey dataKey, byte[] messageId, MessageOptions options, Func<long, Exception>? tooLong = null)
    {
        Span<byte> contentKey = stackalloc byte[MessageKeys.ContentKeyLength];
        Span<byte> commitment = stackalloc byte[MessageFormat.CommitmentLength];
        try
        {
            MessageKeys.Derive(AlgorithmSuite.Committing, dataKey, messageId, contentKey, commitment);
            return new MessageStreamWriter(
                template, contentKey, messageId, commitment, options, tooLong ?? MessageWriter.TooLong);
        }
        finally
        {
            // The commitment is not erased: it is in the header.
            CryptographicOperations.ZeroMemory(contentKey);
        }
    }

    /// <summary>The length of the message so far, in bytes.</summary>
    public long Length => _length;

    /// <summary>Encrypts to the end of the plaintext. May be called once.</summary>
    /// <exception cref="ArgumentException">The message would exceed the limit.</exception>
    /// <exception cref="ByokException">The data key may no longer be used.</exception>
    public async Task RunAsync(Stream plaintext, Stream message, IStreamUse use, CancellationToken cancellationToken)
    {
        // Only an early error: the source may change its length while it is read, and Count checks what was read.
        if (plaintext.CanSeek && !Fits(plaintext.Length - plaintext.Position))
        {
            // Before anything is written.
            throw _tooLong(_maxMessageLength);
        }

        _plaintext = plaintext;
        _message = message;

        // The header contains no plaintext, so it needs no check of the data key.
        await message.WriteAsync(_header, cancellationToken).ConfigureAwait(false);
        await SegmentPipeline.RunAsync(this, _segments, use, cancellationToken).ConfigureAwait(false);
        await message.FlushAsync(cancellationToken).ConfigureAwait(false);
        Instruments.Encrypted(_length - _header.Length - (_frames * MessageFormat.RegularFrameOverhead) - FinalFrameExtra);
    }

    /// <summary>
    /// Reads plaintext to the places of the contents of frames: of a final frame at the start, of regular ones after it. Only one more byte
    /// shows that a frame is not the last one. That byte is read with each segment's last frame, and starts the next segment.
    /// </summary>
    public async ValueTask<bool> FillAsync(Segment segment, CancellationToken cancellationToken)
    {
        segment.Restart((uint)(_frames + 1), default);

        // Plaintext is read straight to its place and encrypted there, so no other buffer has to be erased.
        var capacity = _sizes.After(_frames);
        segment.Reserve(capacity);
        var slots = capacity / _regularLength;
        var contentLength = 0;
        var more = true;
        for (var slot = 0; more && slot < slots; slot++)
        {
            var wanted = slot == slots - 1 ? _frameLength + 1 : _frameLength;
            var start = FrameHead.MaxLength + (slot * _regularLength);
            var content = segment.PlaceFor(start, wanted);
            var read = 0;
            if (slot == 0 && _ahead is { } ahead)
            {
                content.Span[0] = ahead;
                read = 1;
            }

            read += await _plaintext.ReadAtLeastAsync(
                content[read..], wanted - read, throwOnEndOfStream: false, cancellationToken).ConfigureAwait(false);
            segment.TakeBack(start + read);
            contentLength += read;
            more = read == wanted;
            if (more && slot == slots - 1)
            {
                // Its place belongs to the frame's tag, which Work writes over it.
                _ahead = content.Span[_frameLength];
                contentLength--;
            }
        }

        segment.FrameCount = contentLength == 0 ? 1 : ((contentLength - 1) / _frameLength) + 1;
        segment.EndsMessage = !more;

        // The head of a regular frame is shorter.
        segment.Start = segment.EndsMessage && segment.FrameCount == 1 ? 0 : FinalFrameExtra;
        segment.Length = contentLength + (segment.FrameCount * MessageFormat.RegularFrameOverhead) + (more ? 0 : FinalFrameExtra);

        // Before the segment is written. A source that cannot seek shows its length only now.
        Count(segment);
        return more;
    }

    public void Work(Segment segment)
    {
        var rest = segment.Frames.Span;
        var sequence = segment.FirstSequence;
        var regular = segment.EndsMessage ? segment.FrameCount - 1 : segment.FrameCount;
        for (var i = 0; i < regular; i++, sequence++)
        {
            rest = rest[Frame.WriteRegular(rest, sequence, rest.Slice(MessageFormat.RegularContentOffset, _frameLength), segment.Cipher)..];
        }

        if (segment.EndsMessage)
        {
            var content = rest.Slice(FrameHead.MaxLength, rest.Length - MessageFormat.FinalFrameOverhead);
            if (regular > 0)
            {
                // Behind another frame, the longer head leaves it no place where it is.
                rest.Slice(MessageFormat.RegularContentOffset, content.Length).CopyTo(content);
            }

            Frame.WriteFinal(rest, sequence, content, segment.Cipher);
        }
    }

    public ValueTask DrainAsync(Segment segment, IStreamUse use, CancellationToken cancellationToken) =>
        // Ciphertext only, so the check before each segment is enough.
        _message.WriteAsync(segment.Frames, cancellationToken);

    public void Dispose()
    {
        foreach (var segment in _segments)
        {
            segment.Dispose();
        }
    }

    private bool Fits(long plaintextLength)
    {
        var frames = plaintextLength <= 0 ? 1 : ((plaintextLength - 1) / _frameLength) + 1;
        return plaintextLength <= _maxMessageLength
            && _length + plaintextLength + (frames * MessageFormat.RegularFrameOverhead) + FinalFrameExtra <= _maxMessageLength;
    }

    private void Count(Segment segment)
    {
        _frames += segment.FrameCount;
        _length += segment.Length;
        if (_length > _maxMessageLength)
        {
            throw _tooLong(_maxMessageLength);
        }

        // Sequence numbers have 32 bits and make the IV, which must not repeat under one key.
        if (_frames > uint.MaxValue)
        {
            throw MessageWriter.PlaintextTooLong("The message would have more frames than the format can count. Raise FrameLength.");
        }
    }
}
