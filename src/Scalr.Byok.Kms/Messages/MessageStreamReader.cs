using System.Security.Cryptography;
using Scalr.Byok.Kms.DataKeys;
using Scalr.Byok.Kms.Diagnostics;

namespace Scalr.Byok.Kms.Messages;

/// <summary>
/// Authenticates and decrypts a message from stream to stream, in constant memory. Plaintext goes out frame by frame once its tag is
/// verified; the last frame only once it is known that the message ends behind it and, if it is signed, that the signature is right.
/// </summary>
internal sealed class MessageStreamReader : ISegmentFlow, IDisposable
{
    /// <summary>The most plaintext that is written without asking again whether the data key may be used.</summary>
    private const int LongestWrite = 8 * 1024 * 1024;

    private readonly MessageInput _message;
    private readonly BodyFormat _format;
    private readonly SignatureKey? _signatureKey;
    private readonly IncrementalHash? _signed;
    private readonly Segment[] _segments;
    private readonly int _capacity;
    private readonly int _maxFrameLength;
    private Stream _plaintext = Stream.Null;
    private ReadOnlyMemory<byte> _ahead;
    private uint _due = 1;
    private long _written;

    private MessageStreamReader(MessageInput message, MessageHeader header, Segment[] segments, MessageOptions options)
    {
        _message = message;
        _format = header.Body;
        _segments = segments;
        _maxFrameLength = options.MaxFrameLength;
        _capacity = CapacityFor(header.Body, options.MaxFrameLength);
        if (header.Suite.Signs)
        {
            _signatureKey = header.SignatureKey;
            _signed = IncrementalHash.CreateHash(HashAlgorithmName.SHA384);
            _signed.AppendData(header.Bytes.Span);
        }
    }

    /// <summary>Authenticates the header and derives all it needs of the data key, which may be erased afterwards.</summary>
    /// <param name="message">Where the header came from.</param>
    /// <param name="header">The header.</param>
    /// <param name="dataKey">The data key out of one of the header's encrypted data keys.</param>
    /// <param name="options">Limits.</param>
    /// <exception cref="ByokDecryptionException">The header is not authentic, or not of this data key.</exception>
    /// <exception cref="ObjectDisposedException">The data key is erased.</exception>
    public static MessageStreamReader Begin(MessageInput message, MessageHeader header, DataKey dataKey, MessageOptions options)
    {
        Span<byte> contentKey = stackalloc byte[MessageKeys.ContentKeyLength];
        try
        {
            if (!MessageKeys.TryDerive(header, dataKey, contentKey))
            {
                throw new ByokDecryptionException();
            }

            Segment[] segments = Segment.Create(contentKey, header.MessageId, options.MaxDegreeOfParallelism);
            MessageStreamReader reader = new(message, header, segments, options);
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

    /// <summary>Decrypts to the end of the message. Once.</summary>
    /// <exception cref="ByokDecryptionException">The message is not authentic to its end. What was written of it is, but it is not all.</exception>
    /// <exception cref="ByokException">The data key may no longer be used.</exception>
    public async Task RunAsync(Stream plaintext, IStreamUse use, CancellationToken cancellationToken)
    {
        _plaintext = plaintext;
        await SegmentPipeline.RunAsync(this, _segments, use, cancellationToken).ConfigureAwait(false);
        await plaintext.FlushAsync(cancellationToken).ConfigureAwait(false);
        Instruments.Decrypted(_written);
    }

    /// <summary>Reads as many whole frames as fit. What is left over, of a frame that is not all there yet, begins the next segment.</summary>
    public async ValueTask<bool> FillAsync(Segment segment, CancellationToken cancellationToken)
    {
        int filled = _ahead.Length;
        segment.Restart(_due, _ahead.Span);
        bool atEnd = false;
        while (filled < _capacity && !atEnd)
        {
            segment.Grow(filled, _capacity);
            int room = Math.Min(segment.Buffer.Length, _capacity);
            int read = await _message.ReadAsync(segment.Buffer[filled..room], cancellationToken).ConfigureAwait(false);
            filled += read;
            atEnd = read == 0;
        }

        FindFrames(segment, filled);
        ReadOnlyMemory<byte> rest = segment.Buffer[segment.Length..filled];
        _signed?.AppendData(segment.Buffer.Span[..segment.Length]);
        if (segment.EndsMessage)
        {
            if (!await EndsHereAsync(rest, cancellationToken).ConfigureAwait(false))
            {
                segment.FrameCount--; // held back
                segment.Refusal = new ByokDecryptionException();
            }

            return false;
        }

        if (atEnd || segment.FrameCount == 0)
        {
            segment.Refusal = IsTooLongAFrame(rest.Span) ? new ByokDecryptionException(HeaderComplaint.FrameTooLong(_maxFrameLength)) : new ByokDecryptionException();
            return false;
        }

        _ahead = rest;
        return true;
    }

    public void Work(Segment segment)
    {
        Span<byte> rest = segment.Buffer.Span[..segment.Length];
        uint sequence = segment.FirstSequence;
        while (segment.Authentic < segment.FrameCount
            && Frame.TryRead(rest, sequence, _format, out Frame frame)
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
        for (int i = 0; i < segment.Authentic; i++)
        {
            (int start, int length, int whole) = Place(rest.Span, segment.FirstSequence + (uint)i);
            for (int written = 0; written < length || written == 0; written += LongestWrite)
            {
                if (i > 0 || written > 0)
                {
                    await use.EnsureAsync(cancellationToken).ConfigureAwait(false); // the write before may have taken long
                }

                await _plaintext.WriteAsync(rest.Slice(start + written, Math.Min(length - written, LongestWrite)), cancellationToken).ConfigureAwait(false);
            }

            rest = rest[whole..];
            _written += length;
        }

        if (segment.Authentic < segment.FrameCount)
        {
            throw new ByokDecryptionException();
        }

        if (segment.Refusal is { } refusal)
        {
            throw refusal;
        }
    }

    public void Dispose()
    {
        _signed?.Dispose();
        foreach (Segment segment in _segments)
        {
            segment.Dispose();
        }
    }

    // At least one frame of the longest content that may be; then a buffer that is full without a frame in it holds no frame.
    private static int CapacityFor(BodyFormat format, int maxFrameLength) => (int)(
        format.ContentType == ContentType.NonFramed ? maxFrameLength + (long)MessageFormat.SingleBlockOverhead
        : format.FrameLength > maxFrameLength ? maxFrameLength + (long)MessageFormat.FinalFrameOverhead
        : Segment.CapacityFor(format.RegularFrameLength));

    private void FindFrames(Segment segment, int filled)
    {
        ReadOnlySpan<byte> rest = segment.Buffer.Span[..filled];
        while (!segment.EndsMessage && Frame.TryRead(rest, _due, _format, out Frame frame) && frame.Content.Length <= _maxFrameLength)
        {
            segment.FrameCount++;
            segment.Length += frame.Length;
            segment.EndsMessage = frame.IsLast;
            _due = frame.IsLast ? _due : _due + 1;
            rest = rest[frame.Length..];
        }
    }

    /// <summary>Whether nothing follows the last frame but the signature, if there must be one, and whether that is right.</summary>
    private async ValueTask<bool> EndsHereAsync(ReadOnlyMemory<byte> start, CancellationToken cancellationToken)
    {
        byte[] footer = new byte[Math.Max(start.Length, _signed is null ? 0 : Footer.MaxLength) + 1];
        start.CopyTo(footer);
        int length = start.Length;
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
        signed.GetHashAndReset(hash);
        return Footer.TryRead(footer, out ReadOnlySpan<byte> signature) && _signatureKey?.Verifies(hash, signature) == true;
    }

    private bool IsTooLongAFrame(ReadOnlySpan<byte> start) =>
        FrameHead.TryRead(start, _due, _format, out FrameHead head) && head.ContentLength > _maxFrameLength;

    private (int Start, int Length, int Whole) Place(ReadOnlySpan<byte> frame, uint sequence)
    {
        FrameHead.TryRead(frame, sequence, _format, out FrameHead head);
        return (head.Length, (int)head.ContentLength, (int)head.FrameLength);
    }
}
