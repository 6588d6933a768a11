using System.Security.Cryptography;
using Scalr.Byok.Kms.DataKeys;
using Scalr.Byok.Kms.Diagnostics;

namespace Scalr.Byok.Kms.Messages;

/// <summary>Makes a message out of a stream, in constant memory: the same bytes that <see cref="MessageWriter"/> makes.</summary>
internal sealed class MessageStreamWriter : ISegmentFlow, IDisposable
{
    private const int FinalFrameExtra = MessageFormat.FinalFrameOverhead - MessageFormat.RegularFrameOverhead;

    private readonly byte[] _header;
    private readonly Segment[] _segments;
    private readonly int _frameLength;
    private readonly int _capacity;
    private readonly int _regularLength;
    private readonly long _maxMessageLength;
    private Stream _plaintext = Stream.Null;
    private Stream _message = Stream.Null;
    private long _length;
    private long _frames;
    private byte? _ahead;

    private MessageStreamWriter(MessageTemplate template, ReadOnlySpan<byte> contentKey, byte[] messageId, ReadOnlySpan<byte> commitment, MessageOptions options)
    {
        _frameLength = template.FrameLength;
        _regularLength = _frameLength + MessageFormat.RegularFrameOverhead;
        _capacity = (int)Segment.CapacityFor(_regularLength);
        _maxMessageLength = options.MaxMessageLength;
        _segments = Segment.Create(contentKey, messageId, options.MaxDegreeOfParallelism);
        _header = new byte[template.HeaderLength];
        template.WriteHeader(_header, messageId, commitment, _segments[0].Cipher);
        _length = _header.Length;
    }

    /// <summary>Derives all it needs of the data key, which may be erased afterwards.</summary>
    /// <param name="template">The template made for the data key.</param>
    /// <param name="dataKey">The data key.</param>
    /// <param name="messageId">An id that never occurs twice under one data key.</param>
    /// <param name="options">Limits.</param>
    /// <exception cref="ObjectDisposedException">The data key is erased.</exception>
    public static MessageStreamWriter Begin(MessageTemplate template, DataKey dataKey, byte[] messageId, MessageOptions options)
    {
        Span<byte> contentKey = stackalloc byte[MessageKeys.ContentKeyLength];
        Span<byte> commitment = stackalloc byte[MessageFormat.CommitmentLength];
        try
        {
            MessageKeys.Derive(AlgorithmSuite.Committing, dataKey, messageId, contentKey, commitment);
            return new MessageStreamWriter(template, contentKey, messageId, commitment, options);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(contentKey);
        }
    }

    /// <summary>How many bytes of the message there are so far.</summary>
    public long Length => _length;

    /// <summary>Encrypts to the end of the plaintext. Once.</summary>
    /// <exception cref="ArgumentException">The message would be longer than it may be.</exception>
    /// <exception cref="ByokException">The data key may no longer be used.</exception>
    public async Task RunAsync(Stream plaintext, Stream message, IStreamUse use, CancellationToken cancellationToken)
    {
        if (plaintext.CanSeek && !Fits(plaintext.Length - plaintext.Position))
        {
            throw MessageWriter.TooLong(_maxMessageLength); // before anything is written
        }

        _plaintext = plaintext;
        _message = message;
        await message.WriteAsync(_header, cancellationToken).ConfigureAwait(false);
        await SegmentPipeline.RunAsync(this, _segments, use, cancellationToken).ConfigureAwait(false);
        await message.FlushAsync(cancellationToken).ConfigureAwait(false);
        Instruments.Encrypted(_length - _header.Length - (_frames * MessageFormat.RegularFrameOverhead) - FinalFrameExtra);
    }

    /// <summary>
    /// Reads plaintext to where the contents of regular frames stand. Only a byte too many tells that a frame is not the last one: it is
    /// read with each segment's last frame, and begins the next segment.
    /// </summary>
    public async ValueTask<bool> FillAsync(Segment segment, CancellationToken cancellationToken)
    {
        segment.Restart((uint)(_frames + 1), default);
        segment.Reserve(_capacity);
        int slots = _capacity / _regularLength;
        int contentLength = 0;
        bool more = true;
        for (int slot = 0; more && slot < slots; slot++)
        {
            int wanted = slot == slots - 1 ? _frameLength + 1 : _frameLength;
            Memory<byte> content = segment.Buffer.Slice((slot * _regularLength) + MessageFormat.RegularContentOffset, wanted);
            int read = 0;
            if (slot == 0 && _ahead is { } ahead)
            {
                content.Span[0] = ahead;
                read = 1;
            }

            read += await _plaintext.ReadAtLeastAsync(content[read..], wanted - read, throwOnEndOfStream: false, cancellationToken).ConfigureAwait(false);
            contentLength += read;
            more = read == wanted;
            if (more && slot == slots - 1)
            {
                _ahead = content.Span[_frameLength];
                contentLength--;
            }
        }

        segment.FrameCount = contentLength == 0 ? 1 : ((contentLength - 1) / _frameLength) + 1;
        segment.EndsMessage = !more;
        segment.Length = contentLength + (segment.FrameCount * MessageFormat.RegularFrameOverhead) + (more ? 0 : FinalFrameExtra);
        Count(segment);
        return more;
    }

    public void Work(Segment segment)
    {
        Span<byte> rest = segment.Buffer.Span[..segment.Length];
        uint sequence = segment.FirstSequence;
        int regular = segment.EndsMessage ? segment.FrameCount - 1 : segment.FrameCount;
        for (int i = 0; i < regular; i++, sequence++)
        {
            rest = rest[Frame.WriteRegular(rest, sequence, rest.Slice(MessageFormat.RegularContentOffset, _frameLength), segment.Cipher)..];
        }

        if (segment.EndsMessage)
        {
            // A final frame's head is longer than that of a regular one.
            Span<byte> content = rest.Slice(FrameHead.MaxLength, rest.Length - MessageFormat.FinalFrameOverhead);
            rest.Slice(MessageFormat.RegularContentOffset, content.Length).CopyTo(content);
            Frame.WriteFinal(rest, sequence, content, segment.Cipher);
        }
    }

    public ValueTask DrainAsync(Segment segment, IStreamUse use, CancellationToken cancellationToken) => _message.WriteAsync(segment.Buffer[..segment.Length], cancellationToken);

    public void Dispose()
    {
        foreach (Segment segment in _segments)
        {
            segment.Dispose();
        }
    }

    private bool Fits(long plaintextLength)
    {
        long frames = plaintextLength <= 0 ? 1 : ((plaintextLength - 1) / _frameLength) + 1;
        return plaintextLength <= _maxMessageLength
            && _length + plaintextLength + (frames * MessageFormat.RegularFrameOverhead) + FinalFrameExtra <= _maxMessageLength;
    }

    private void Count(Segment segment)
    {
        _frames += segment.FrameCount;
        _length += segment.Length;
        if (_length > _maxMessageLength)
        {
            throw MessageWriter.TooLong(_maxMessageLength);
        }

        if (_frames > uint.MaxValue)
        {
            throw MessageWriter.PlaintextTooLong("The message would have more frames than the format can count. Raise FrameLength.");
        }
    }
}
