using System.Security.Cryptography;
using Scalr.Byok.Kms.DataKeys;
using Scalr.Byok.Kms.Diagnostics;

namespace Scalr.Byok.Kms.Messages;

/// <summary>
/// Authenticates and decrypts a message from stream to stream, in constant memory. A frame's plaintext is written after its tag is
/// verified. The last frame is written only after the end of the message and, if it is signed, its signature are verified.
/// </summary>
internal sealed class MessageStreamReader : ISegmentFlow, IDisposable
{
    /// <summary>The longest write without asking again whether the data key may be used.</summary>
    private const int LongestWrite = 8 * 1024 * 1024;

    private readonly MessageInput _message;
    private readonly BodyFormat _format;
    private readonly SignatureKey? _signatureKey;
    private readonly IncrementalHash? _signed;
    private readonly Segment[] _segments;
    private readonly SegmentSizes _sizes;
    private readonly int _maxFrameLength;
    private Stream _plaintext = Stream.Null;

    // The start of an incomplete frame, in the buffer of the segment that was filled last. Segments are filled one at a time, so Restart
    // copies it before that buffer is filled again.
    private ReadOnlyMemory<byte> _ahead;
    private uint _due = 1;
    private long _written;

    private MessageStreamReader(MessageInput message, MessageHeader header, Segment[] segments, MessageOptions options)
    {
        _message = message;
        _format = header.Body;
        _segments = segments;
        _maxFrameLength = options.MaxFrameLength;
        _sizes = SizesFor(header.Body, options);
        if (header.Suite.Signs)
        {
            _signatureKey = header.SignatureKey;
            _signed = IncrementalHash.CreateHash(HashAlgorithmName.SHA384);

            // The signature covers the header, the body's bytes as received, and nothing else.
            _signed.AppendData(header.Bytes.Span);
        }
    }

    /// <summary>Authenticates the header and derives what it needs from the data key, which may be erased afterwards.</summary>
    /// <param name="message">The source of the header.</param>
    /// <param name="header">The header.</param>
    /// <param name="dataKey">The data key of one of the header's encrypted data keys.</param>
    /// <param name="options">The limits.</param>
    /// <exception cref="ByokDecryptionException">The header is not authentic, or belongs to another data key.</exception>
    /// <exception cref="ObjectDisposedException">The data key is erased.</exception>
    public static MessageStreamReader Begin(MessageInput message, MessageHeader header, DataKey dataKey, MessageOptions options)
    {
        Span<byte> contentKey = stackalloc byte[MessageKeys.ContentKeyLength];
        try
        {
            // False if the commitment is that of another data key. The errors do not say which check failed.
            if (!MessageKeys.TryDerive(header, dataKey, contentKey))
            {
                throw new ByokDecryptionException();
            }

            // The segments have their own copy of the key, so this one is erased at the end.
            var segments = Segment.Create(contentKey, header.MessageId, options.MaxDegreeOfParallelism);
            MessageStreamReader reader = new(message, header, segments, options);

            // Trust boundary: the header's fields are the sender's until its tag is verified here. Until then nothing of the body is
            // decrypted.
            if (!segments[0].Cipher.TryOpenHeader(header))
            {
                reader.Dispose();
                throw new ByokDecryptionException();
            }

            return reader;
        }
        finally
        {
            CryptographicOperations.ZeroMemory(contentKey);
        }
    }

    /// <summary>Decrypts to the end of the message. May be called once.</summary>
    /// <exception cref="ByokDecryptionException">
    /// The message is not authentic to its end. The plaintext written so far is authentic, but incomplete.
    /// </exception>
    /// <exception cref="ByokException">The data key may no longer be used.</exception>
    public async Task RunAsync(Stream plaintext, IStreamUse use, CancellationToken cancellationToken)
    {
        _plaintext = plaintext;
        await SegmentPipeline.RunAsync(this, _segments, use, cancellationToken).ConfigureAwait(false);
        await plaintext.FlushAsync(cancellationToken).ConfigureAwait(false);
        Instruments.Decrypted(_written);
    }

    /// <summary>Reads as many whole frames as fit. The rest, part of an incomplete frame, starts the next segment.</summary>
    public async ValueTask<bool> FillAsync(Segment segment, CancellationToken cancellationToken)
    {
        var capacity = _sizes.After(_due - 1L);
        var filled = _ahead.Length;
        segment.Restart(_due, _ahead.Span);
        var atEnd = false;
        while (filled < capacity && !atEnd)
        {
            // Grows with the bytes that arrive: a header that claims large frames allocates nothing by itself.
            segment.Grow(filled, capacity);
            var room = Math.Min(segment.Buffer.Length, capacity);
            var read = await _message.ReadAsync(segment.Buffer[filled..room], cancellationToken).ConfigureAwait(false);
            filled += read;
            segment.Touch(filled);
            atEnd = read == 0;
        }

        // Whole frames only. Their lengths are still claims: they are compared with the bytes that are there and with MaxFrameLength.
        FindFrames(segment, filled);
        ReadOnlyMemory<byte> rest = segment.Buffer[segment.Length..filled];

        // Here, where segments have their order, and before Work decrypts in place: the signature covers the ciphertext.
        _signed?.AppendData(segment.Buffer.Span[..segment.Length]);
        if (segment.EndsMessage)
        {
            if (!await EndsHereAsync(rest, cancellationToken).ConfigureAwait(false))
            {
                // Not written: the end of the message is not proved.
                segment.FrameCount--;
                segment.Failure = new ByokDecryptionException();
            }

            return false;
        }

        // The message is cut off, or its next frame does not fit into the largest buffer. Frames found before are written first
        // (DrainAsync).
        if (atEnd || segment.FrameCount == 0)
        {
            segment.Failure = IsTooLongAFrame(rest.Span)
                ? new ByokDecryptionException(HeaderErrors.FrameTooLong(_maxFrameLength))
                : new ByokDecryptionException();
            return false;
        }

        _ahead = rest;
        return true;
    }

    public void Work(Segment segment)
    {
        var rest = segment.Buffer.Span[..segment.Length];
        var sequence = segment.FirstSequence;

        // Stops at the first frame that is not authentic. Nothing after it is written.
        while (segment.Authentic < segment.FrameCount
            && Frame.TryRead(rest, sequence, _format, out var frame)
            && segment.Cipher.TryOpen(frame, rest.Slice(frame.ContentOffset, frame.Content.Length)))
        {
            segment.Authentic++;
            sequence++;
            rest = rest[frame.Length..];
        }
    }

    public async ValueTask DrainAsync(Segment segment, IStreamUse use, CancellationToken cancellationToken)
    {
        ReadOnlyMemory<byte> rest = segment.Buffer[..segment.Length];
        for (var i = 0; i < segment.Authentic; i++)
        {
            // The head is read again: Work has decrypted the content in place and has left the head as it was.
            (var start, var length, var whole) = Place(rest.Span, segment.FirstSequence + (uint)i);
            for (var written = 0; written < length || written == 0; written += LongestWrite)
            {
                if (i > 0 || written > 0)
                {
                    // The previous write may have taken long. The first one comes right after the check of SegmentPipeline.
                    await use.EnsureAsync(cancellationToken).ConfigureAwait(false);
                }

                await _plaintext.WriteAsync(
                    rest.Slice(start + written, Math.Min(length - written, LongestWrite)), cancellationToken).ConfigureAwait(false);
            }

            rest = rest[whole..];
            _written += length;
        }

        // Only after the frames before it, which are authentic. Nothing of this frame or a later one is written.
        if (segment.Authentic < segment.FrameCount)
        {
            throw new ByokDecryptionException();
        }

        if (segment.Failure is { } refusal)
        {
            throw refusal;
        }
    }

    public void Dispose()
    {
        _signed?.Dispose();
        foreach (var segment in _segments)
        {
            segment.Dispose();
        }
    }

    // Room for at least one frame of the longest allowed content. So a full buffer without a whole frame contains a frame that is too long.
    private static SegmentSizes SizesFor(BodyFormat format, MessageOptions options) =>
        format.ContentType == ContentType.NonFramed
            ? SegmentSizes.All(options.MaxFrameLength + (long)MessageFormat.SingleBlockOverhead)
        : format.FrameLength > options.MaxFrameLength
            ? SegmentSizes.All(options.MaxFrameLength + (long)MessageFormat.FinalFrameOverhead)
        : SegmentSizes.For(format.RegularFrameLength, options.MaxDegreeOfParallelism);

    private void FindFrames(Segment segment, int filled)
    {
        ReadOnlySpan<byte> rest = segment.Buffer.Span[..filled];
        while (!segment.EndsMessage && Frame.TryRead(rest, _due, _format, out var frame) && frame.Content.Length <= _maxFrameLength)
        {
            segment.FrameCount++;
            segment.Length += frame.Length;
            segment.EndsMessage = frame.IsLast;
            _due = frame.IsLast ? _due : _due + 1;
            rest = rest[frame.Length..];
        }
    }

    /// <summary>Whether the message ends after the last frame, with a valid signature if the suite signs.</summary>
    private async ValueTask<bool> EndsHereAsync(ReadOnlyMemory<byte> start, CancellationToken cancellationToken)
    {
        // One byte more than a footer can have, to detect bytes after it.
        var footer = new byte[Math.Max(start.Length, _signed is null ? 0 : Footer.MaxLength) + 1];
        start.CopyTo(footer);
        var length = start.Length;
        int read;
        do
        {
            read = await _message.ReadAsync(footer.AsMemory(length), cancellationToken).ConfigureAwait(false);
            length += read;
        }
        while (read > 0 && length < footer.Length);

        return _signed is null ? length == 0 : HasSignature(_signed, footer.AsSpan(0, length));
    }

    private bool HasSignature(IncrementalHash signed, ReadOnlySpan<byte> footer)
    {
        Span<byte> hash = stackalloc byte[SHA384.HashSizeInBytes];

        // The last segment is in the hash already: FillAsync adds it before it looks for the end.
        signed.GetHashAndReset(hash);
        return Footer.TryRead(footer, out var signature) && _signatureKey?.Verifies(hash, signature) == true;
    }

    private bool IsTooLongAFrame(ReadOnlySpan<byte> start) =>
        FrameHead.TryRead(start, _due, _format, out var head) && head.ContentLength > _maxFrameLength;

    private (int Start, int Length, int Whole) Place(ReadOnlySpan<byte> frame, uint sequence)
    {
        FrameHead.TryRead(frame, sequence, _format, out var head);
        return (head.Length, (int)head.ContentLength, (int)head.FrameLength);
    }
}
