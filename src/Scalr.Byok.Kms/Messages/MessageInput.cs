namespace Scalr.Byok.Kms.Messages;

/// <summary>A message that comes from a stream: its header first, then the bytes behind it. Reads no further than it may.</summary>
internal sealed class MessageInput(Stream message, MessageOptions options)
{
    private const int FirstLook = 4096;

    private ReadOnlyMemory<byte> _ahead;
    private long _length;

    /// <summary>Reads as much as the header takes. Memory is taken for bytes that have come, not for those a header promises.</summary>
    /// <exception cref="ByokDecryptionException">There is no header, or it is of a kind that is not read.</exception>
    public async ValueTask<MessageHeader> ReadHeaderAsync(CancellationToken cancellationToken)
    {
        // One byte more than the header may have, so that too long shows.
        byte[] start = new byte[Math.Min(FirstLook, options.MaxHeaderLength + 1L)];
        int filled = 0;
        while (true)
        {
            int read = await message.ReadAtLeastAsync(start.AsMemory(filled), start.Length - filled, throwOnEndOfStream: false, cancellationToken).ConfigureAwait(false);
            Count(read);
            filled += read;
            if (MessageHeader.TryRead(start.AsMemory(0, filled), options, out MessageHeader? header, out string? complaint))
            {
                _ahead = start.AsMemory(header.Length, filled - header.Length);
                return header;
            }

            if (complaint != HeaderComplaint.TooShort || filled < start.Length)
            {
                throw new ByokDecryptionException(complaint);
            }

            Array.Resize(ref start, (int)Math.Min(2L * start.Length, options.MaxHeaderLength + 1L));
        }
    }

    /// <summary>Reads bytes behind the header; 0 at the end.</summary>
    /// <exception cref="ByokDecryptionException">The message is longer than it may be.</exception>
    public async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        if (_ahead.Length > 0)
        {
            int length = Math.Min(_ahead.Length, buffer.Length);
            _ahead[..length].CopyTo(buffer);
            _ahead = _ahead[length..];
            return length;
        }

        int read = await message.ReadAsync(buffer, cancellationToken).ConfigureAwait(false);
        Count(read);
        return read;
    }

    /// <summary>Counts bytes that go out without having come in, so that what is written keeps to the limit, too. Fewer than none count as none.</summary>
    /// <exception cref="ByokDecryptionException">The message is longer than it may be.</exception>
    public void Lengthen(int more) => Count(Math.Max(more, 0));

    private void Count(int read)
    {
        _length += read;
        if (_length > options.MaxMessageLength)
        {
            throw new ByokDecryptionException(HeaderComplaint.MessageTooLong(options.MaxMessageLength));
        }
    }
}
