using System.Buffers.Binary;
using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using Scalr.Byok.Kms.DataKeys;

namespace Scalr.Byok.Kms.Messages;

/// <summary>
/// AES-256-GCM under one message's content key. The associated data binds each frame to its message, its position and its length. Not safe
/// for concurrent use: each thread has its own.
/// </summary>
[SuppressMessage(
    "Design",
    "CA1001",
    Justification = "The analyzer does not see that a struct is disposable; a class would be one more allocation for each message.")]
internal readonly struct MessageCipher : IDisposable
{
    private const int MaxAssociatedDataLength = MessageFormat.MessageIdLength + 35 + sizeof(uint) + sizeof(ulong);

    private readonly AesGcm _aes;
    private readonly ReadOnlyMemory<byte> _messageId;

    /// <param name="contentKey">The content key. The caller erases it.</param>
    /// <param name="messageId">The message id, which must not change.</param>
    public MessageCipher(ReadOnlySpan<byte> contentKey, ReadOnlyMemory<byte> messageId)
    {
        Debug.Assert(messageId.Length == MessageFormat.MessageIdLength, "a message id has its fixed length");
        _aes = new AesGcm(contentKey, MessageFormat.TagLength);
        _messageId = messageId;
    }

    /// <param name="contentKey">The content key.</param>
    /// <param name="messageId">The message id, which must not change.</param>
    /// <exception cref="ObjectDisposedException">The key is erased.</exception>
    public MessageCipher(DataKey contentKey, ReadOnlyMemory<byte> messageId)
    {
        Debug.Assert(messageId.Length == MessageFormat.MessageIdLength, "a message id has its fixed length");
        _aes = contentKey.CreateCipher(MessageFormat.TagLength);
        _messageId = messageId;
    }

    // No IV repeats under a content key: the header uses 0, frames count from 1, and no two messages share a content key.
    private static ReadOnlySpan<byte> HeaderIV => [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];

    public void SealHeader(ReadOnlySpan<byte> header, Span<byte> tag) => _aes.Encrypt(HeaderIV, default, default, tag, header);

    public bool TryOpenHeader(MessageHeader header)
    {
        try
        {
            _aes.Decrypt(HeaderIV, default, header.Tag.Span, default, header.Authenticated.Span);
            return true;
        }
        catch (AuthenticationTagMismatchException)
        {
            return false;
        }
    }

    /// <summary>Encrypts a frame's content. Plaintext and content may be the same memory.</summary>
    public void Seal(FrameKind kind, uint sequence, ReadOnlySpan<byte> iv, ReadOnlySpan<byte> plaintext, Span<byte> content, Span<byte> tag)
    {
        Span<byte> buffer = stackalloc byte[MaxAssociatedDataLength];
        _aes.Encrypt(iv, plaintext, content, tag, AssociatedData(kind, sequence, plaintext.Length, buffer));
    }

    /// <summary>
    /// Decrypts a frame. Returns false, without plaintext, if it is not authentic. Content and plaintext may be the same memory.
    /// </summary>
    public bool TryOpen(in Frame frame, Span<byte> plaintext)
    {
        Span<byte> buffer = stackalloc byte[MaxAssociatedDataLength];
        try
        {
            _aes.Decrypt(
                frame.IV, frame.Content, frame.Tag, plaintext, AssociatedData(frame.Kind, frame.Sequence, frame.Content.Length, buffer));
            return true;
        }
        catch (AuthenticationTagMismatchException)
        {
            return false;
        }
    }

    public void Dispose() => _aes.Dispose();

    // Message id, kind of the frame, sequence number, length of the content: 32, 28 to 35, 4 and 8 bytes.
    private ReadOnlySpan<byte> AssociatedData(FrameKind kind, uint sequence, int contentLength, Span<byte> buffer)
    {
        var name = kind switch
        {
            FrameKind.Regular => "AWSKMSEncryptionClient Frame"u8,
            FrameKind.Final => "AWSKMSEncryptionClient Final Frame"u8,
            _ => "AWSKMSEncryptionClient Single Block"u8,
        };
        var numbers = MessageFormat.MessageIdLength + name.Length;
        _messageId.Span.CopyTo(buffer);
        name.CopyTo(buffer[MessageFormat.MessageIdLength..]);
        BinaryPrimitives.WriteUInt32BigEndian(buffer[numbers..], sequence);
        BinaryPrimitives.WriteUInt64BigEndian(buffer[(numbers + sizeof(uint))..], (ulong)contentLength);
        return buffer[..(numbers + sizeof(uint) + sizeof(ulong))];
    }
}
