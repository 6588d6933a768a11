using System.Buffers;
using System.Security.Cryptography;
using Scalr.Byok.Kms.DataKeys;

namespace Scalr.Byok.Kms.Messages;

/// <summary>
/// Gives a message a new header, with its data key wrapped anew, over the same body. The body hangs on message id and content key, so
/// both stay; the new header's tag is therefore a second one under the same key and IV, which is why the old message has to go:
/// who holds both headers can work out GCM's authentication key and forge frames of this one message. It does not help to read it.
/// </summary>
internal sealed class MessageRewrapper : IDisposable
{
    private const int CopyLength = 64 * 1024;

    private readonly MessageHeader _header;
    private readonly MessageCipher _cipher;

    private MessageRewrapper(MessageHeader header, MessageCipher cipher)
    {
        _header = header;
        _cipher = cipher;
    }

    /// <summary>Authenticates the header and derives all it needs of the data key, which may be erased afterwards.</summary>
    /// <exception cref="ByokDecryptionException">The header is not authentic, or not of this data key.</exception>
    /// <exception cref="ObjectDisposedException">The data key is erased.</exception>
    public static MessageRewrapper Begin(MessageHeader header, DataKey dataKey)
    {
        Span<byte> contentKey = stackalloc byte[MessageKeys.ContentKeyLength];
        try
        {
            if (!MessageKeys.TryDerive(header, dataKey, contentKey))
            {
                throw new ByokDecryptionException();
            }

            MessageCipher cipher = new(contentKey, header.MessageId);
            if (cipher.TryOpenHeader(header))
            {
                return new MessageRewrapper(header, cipher);
            }

            cipher.Dispose();
            throw new ByokDecryptionException();
        }
        finally
        {
            CryptographicOperations.ZeroMemory(contentKey);
        }
    }

    /// <summary>The whole new header.</summary>
    /// <param name="key">The data key as it is wrapped now.</param>
    public byte[] WriteHeader(EncryptedDataKey key)
    {
        MessageTemplate template = new(_header.EncryptionContext, [key], _header.Body);
        byte[] written = new byte[template.HeaderLength];
        template.WriteHeader(written, _header.MessageId.Span, _header.Commitment.Span, _cipher);
        return written;
    }

    /// <summary>The new header and the old body.</summary>
    /// <exception cref="ByokDecryptionException">Together they are longer than a message may be: the new key's ARN may be longer than the old one's.</exception>
    public byte[] Rewrap(ReadOnlySpan<byte> message, EncryptedDataKey key, long maxMessageLength)
    {
        ReadOnlySpan<byte> body = message[_header.Length..];
        byte[] header = WriteHeader(key);
        long limit = Math.Min(maxMessageLength, Array.MaxLength);
        if (header.Length > limit - body.Length)
        {
            throw new ByokDecryptionException(HeaderComplaint.MessageTooLong(limit));
        }

        byte[] rewrapped = GC.AllocateUninitializedArray<byte>(header.Length + body.Length);
        header.CopyTo(rewrapped, 0);
        body.CopyTo(rewrapped.AsSpan(header.Length));
        return rewrapped;
    }

    public void Dispose() => _cipher.Dispose();

    /// <summary>Counts a body's frames, without decrypting them, so that one that was cut short does not pass.</summary>
    /// <exception cref="ByokDecryptionException">The body does not end where the message does.</exception>
    public static void EnsureWhole(MessageHeader header, ReadOnlySpan<byte> message)
    {
        ReadOnlySpan<byte> body = message[header.Length..];
        BodyWalk walk = new(header.Body);
        if (walk.Walk(body) != body.Length || !walk.AtEnd)
        {
            throw new ByokDecryptionException();
        }
    }

    /// <summary>Copies a body, whose frames are counted but not decrypted, so that one that was cut short does not pass.</summary>
    /// <exception cref="ByokDecryptionException">The body does not end where the message does.</exception>
    public static async Task CopyBodyAsync(MessageInput message, BodyFormat format, Stream destination, CancellationToken cancellationToken)
    {
        byte[] buffer = ArrayPool<byte>.Shared.Rent(CopyLength);
        try
        {
            BodyWalk walk = new(format);
            int filled = 0;
            int read;
            while ((read = await message.ReadAsync(buffer.AsMemory(filled), cancellationToken).ConfigureAwait(false)) > 0)
            {
                filled += read;
                int walked = walk.Walk(buffer.AsSpan(0, filled));
                await destination.WriteAsync(buffer.AsMemory(0, walked), cancellationToken).ConfigureAwait(false);
                buffer.AsSpan(walked, filled - walked).CopyTo(buffer);
                filled -= walked;
                if (filled > 0 && (walk.AtEnd || filled >= FrameHead.MaxLength))
                {
                    throw new ByokDecryptionException();
                }
            }

            if (filled > 0 || !walk.AtEnd)
            {
                throw new ByokDecryptionException();
            }

            await destination.FlushAsync(cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }
}
