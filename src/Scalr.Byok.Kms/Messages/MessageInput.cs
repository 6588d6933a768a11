namespace Scalr.Byok.Kms.Messages;

/// <summary>Reads a message from a stream: first its header, then the bytes after it. Never reads beyond its limits.</summary>
internal sealed class MessageInput(Stream message, MessageOptions options)
{
    private const int FirstReadLength = 4096;

    private ReadOnlyMemory<byte> _ahead;
    private long _length;

    /// <summary>Reads the header. Allocates memory for bytes that have arrived, not for lengths that the header claims.</summary>
    /// <exception cref="ByokDecryptionException">There is no header, or it is of an unsupported kind.</exception>
    public async ValueTask<MessageHeader> ReadHeaderAsync(CancellationToken cancellationToken)
    {
        // One byte more than the limit, to detect a header that is too long.
        var start = new byte[Math.Min(FirstReadLength, options.MaxHeaderLength + 1L)];
        var filled = 0;
        while (true)
        {
            var read = await message.ReadAtLeastAsync(
                start.AsMemory(filled), start.Length - filled, throwOnEndOfStream: false, cancellationToken).ConfigureAwait(false);
            Count(read);
            filled += read;
            if (MessageHeader.TryRead(start.AsMemory(0, filled), options, out var header, out var complaint))
            {
                _ahead = start.AsMemory(header.Length, filled - header.Length);
                return header;
            }

            if (complaint != HeaderErrors.TooShort || filled < start.Length)
            {
                throw new ByokDecryptionException(complaint);
            }

            Array.Resize(ref start, (int)Math.Min(2L * start.Length, options.MaxHeaderLength + 1L));
        }
    }

    /// <summary>Reads bytes after the header; 0 at the end.</summary>
    /// <exception cref="ByokDecryptionException">The message exceeds the limit.</exception>
    public async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        if (_ahead.Length > 0)
        {
            var length = Math.Min(_ahead.Length, buffer.Length);
            _ahead[..length].CopyTo(buffer);
            _ahead = _ahead[length..];
            return length;
        }

        var read = await message.ReadAsync(buffer, cancellationToken).ConfigureAwait(false);
        Count(read);
        return read;
    }

    private void Count(int read)
    {
        _length += read;
        if (_length > options.MaxMessageLength)
        {
            throw new ByokDecryptionException(HeaderErrors.MessageTooLong(options.MaxMessageLength));
        }
    }
}
