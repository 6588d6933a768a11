using System.Buffers.Binary;
using System.Text;
using Scalr.Byok.Kms.DataKeys;

namespace Scalr.Byok.Kms.Messages;

/// <summary>
/// All that the messages of one data key have in common, laid out once: encryption context, encrypted data keys, format of the body.
/// What a header adds is its message id, its commitment and its tag.
/// </summary>
internal sealed class MessageTemplate
{
    private readonly byte[] _common;

    /// <param name="context">The encryption context, the same that the data key was wrapped with.</param>
    /// <param name="keys">The data key, wrapped at least once; only KMS and AWS's own readers look inside.</param>
    /// <param name="frameLength">How much plaintext each frame but the last holds.</param>
    public MessageTemplate(EncryptionContext context, IReadOnlyList<EncryptedDataKey> keys, int frameLength)
        : this(context, keys, new BodyFormat(ContentType.Framed, frameLength > 0 ? (uint)frameLength : throw new ArgumentOutOfRangeException(nameof(frameLength))))
    {
        FrameLength = frameLength;
    }

    /// <param name="context">The encryption context, the same that the data key was wrapped with.</param>
    /// <param name="keys">The data key, wrapped at least once.</param>
    /// <param name="body">The format of a body that is there already.</param>
    public MessageTemplate(EncryptionContext context, IReadOnlyList<EncryptedDataKey> keys, BodyFormat body)
    {
        ArgumentOutOfRangeException.ThrowIfZero(keys.Count, nameof(keys));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(keys.Count, ushort.MaxValue, nameof(keys));

        using MemoryStream common = new();
        common.Write(context.Section.Span);
        WriteUInt16(common, keys.Count);
        foreach (EncryptedDataKey key in keys)
        {
            WriteCounted(common, Encoding.UTF8.GetBytes(key.ProviderId));
            WriteCounted(common, key.ProviderInfo.Span);
            WriteCounted(common, key.Ciphertext.Span);
        }

        common.WriteByte((byte)body.ContentType);
        Span<byte> length = stackalloc byte[sizeof(uint)];
        BinaryPrimitives.WriteUInt32BigEndian(length, body.FrameLength);
        common.Write(length);
        _common = common.ToArray();
    }

    /// <summary>How much plaintext each frame but the last holds, in messages that are written with this.</summary>
    public int FrameLength { get; }

    /// <summary>The length of every header made of this.</summary>
    public int HeaderLength => AuthenticatedLength + MessageFormat.TagLength;

    private int AuthenticatedLength => MessageFormat.MessageIdOffset + MessageFormat.MessageIdLength + _common.Length + MessageFormat.CommitmentLength;

    /// <summary>Writes a whole header.</summary>
    /// <param name="header">Exactly <see cref="HeaderLength"/> bytes.</param>
    /// <param name="messageId">The message's id.</param>
    /// <param name="commitment">The commitment that goes with it.</param>
    /// <param name="cipher">The cipher of the message, for the tag.</param>
    public void WriteHeader(Span<byte> header, ReadOnlySpan<byte> messageId, ReadOnlySpan<byte> commitment, in MessageCipher cipher)
    {
        Span<byte> rest = header;
        rest[0] = MessageFormat.Version2;
        BinaryPrimitives.WriteUInt16BigEndian(rest[1..], AlgorithmSuite.Committing.Id);
        rest = rest[MessageFormat.MessageIdOffset..];
        messageId.CopyTo(rest);
        rest = rest[messageId.Length..];
        _common.CopyTo(rest);
        rest = rest[_common.Length..];
        commitment.CopyTo(rest);
        rest = rest[commitment.Length..];
        cipher.SealHeader(header[..AuthenticatedLength], rest);
    }

    // AWS's JavaScript SDK refuses a message in which any of these is empty.
    private static void WriteCounted(MemoryStream common, ReadOnlySpan<byte> field)
    {
        ArgumentOutOfRangeException.ThrowIfZero(field.Length, "keys");
        ArgumentOutOfRangeException.ThrowIfGreaterThan(field.Length, ushort.MaxValue, "keys");
        WriteUInt16(common, field.Length);
        common.Write(field);
    }

    private static void WriteUInt16(MemoryStream common, int value)
    {
        Span<byte> bytes = stackalloc byte[sizeof(ushort)];
        BinaryPrimitives.WriteUInt16BigEndian(bytes, (ushort)value);
        common.Write(bytes);
    }
}
