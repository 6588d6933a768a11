using System.Buffers.Binary;
using System.Security.Cryptography;

namespace Scalr.Byok.Kms.Messages;

/// <summary>
/// AES-256-GCM under one message's content key, with the associated data that ties each frame to its message, its place and its
/// length. One thread at a time; a second thread makes its own.
/// </summary>
internal readonly ref struct MessageCipher : IDisposable
{
    private const int MaxAssociatedDataLength = MessageFormat.MessageIdLength + 34 + sizeof(uint) + sizeof(ulong);

    private readonly AesGcm _aes;
    private readonly ReadOnlySpan<byte> _messageId;

    public MessageCipher(ReadOnlySpan<byte> contentKey, ReadOnlySpan<byte> messageId)
    {
        _aes = new AesGcm(contentKey, MessageFormat.TagLength);
        _messageId = messageId;
    }

    private static ReadOnlySpan<byte> RegularFrame => "AWSKMSEncryptionClient Frame"u8;

    private static ReadOnlySpan<byte> FinalFrame => "AWSKMSEncryptionClient Final Frame"u8;

    // No IV repeats under a content key: the header has 0, frames count from 1, and no two messages share a content key.
    private static ReadOnlySpan<byte> HeaderIV => [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];

    public void SealHeader(ReadOnlySpan<byte> header, Span<byte> tag) => _aes.Encrypt(HeaderIV, default, default, tag, header);

    public bool TryOpenHeader(ReadOnlySpan<byte> header, ReadOnlySpan<byte> tag)
    {
        try
        {
            _aes.Decrypt(HeaderIV, default, tag, default, header);
            return true;
        }
        catch (AuthenticationTagMismatchException)
        {
            return false;
        }
    }

    /// <summary>Encrypts a frame's content.</summary>
    public void Seal(bool final, uint sequence, ReadOnlySpan<byte> iv, ReadOnlySpan<byte> plaintext, Span<byte> content, Span<byte> tag)
    {
        Span<byte> buffer = stackalloc byte[MaxAssociatedDataLength];
        _aes.Encrypt(iv, plaintext, content, tag, AssociatedData(final, sequence, plaintext.Length, buffer));
    }

    /// <summary>Decrypts a frame's content; false, and no plaintext, if it is not authentic.</summary>
    public bool TryOpen(bool final, uint sequence, ReadOnlySpan<byte> iv, ReadOnlySpan<byte> content, ReadOnlySpan<byte> tag, Span<byte> plaintext)
    {
        Span<byte> buffer = stackalloc byte[MaxAssociatedDataLength];
        try
        {
            _aes.Decrypt(iv, content, tag, plaintext, AssociatedData(final, sequence, content.Length, buffer));
            return true;
        }
        catch (AuthenticationTagMismatchException)
        {
            return false;
        }
    }

    public void Dispose() => _aes.Dispose();

    // Message id, which kind of frame, its number, the length of its content: 32, 28 or 34, 4 and 8 bytes.
    private ReadOnlySpan<byte> AssociatedData(bool final, uint sequence, int contentLength, Span<byte> buffer)
    {
        ReadOnlySpan<byte> kind = final ? FinalFrame : RegularFrame;
        int numbers = MessageFormat.MessageIdLength + kind.Length;
        _messageId.CopyTo(buffer);
        kind.CopyTo(buffer[MessageFormat.MessageIdLength..]);
        BinaryPrimitives.WriteUInt32BigEndian(buffer[numbers..], sequence);
        BinaryPrimitives.WriteUInt64BigEndian(buffer[(numbers + sizeof(uint))..], (ulong)contentLength);
        return buffer[..(numbers + sizeof(uint) + sizeof(ulong))];
    }
}
