using System.Buffers.Binary;
using System.Text;
using Scalr.Byok.Kms.DataKeys;

namespace Scalr.Byok.Kms.Messages;

/// <summary>
/// The common part of the headers of one data key's messages, written once: encryption context, encrypted data keys, layout of the body.
/// Each header adds its message id, commitment and tag.
/// </summary>
internal sealed class MessageTemplate
{
    private readonly byte[] _common;

    /// <param name="context">The encryption context that the data key was wrapped with.</param>
    /// <param name="keys">The encrypted data keys, at least one.</param>
    /// <param name="frameLength">The plaintext bytes of each frame except the last.</param>
    public MessageTemplate(EncryptionContext context, EncryptedDataKey[] keys, int frameLength)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(frameLength);
        FrameLength = frameLength;
        ArgumentOutOfRangeException.ThrowIfZero(keys.Length, nameof(keys));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(keys.Length, ushort.MaxValue, nameof(keys));

        using MemoryStream common = new();
        common.Write(context.Section.Span);
        WriteUInt16(common, keys.Length);
        foreach (var key in keys)
        {
            WriteCounted(common, Encoding.UTF8.GetBytes(key.ProviderId));
            WriteCounted(common, key.ProviderInfo.Span);
            WriteCounted(common, key.Ciphertext.Span);
        }

        common.WriteByte((byte)ContentType.Framed);
        WriteUInt32(common, frameLength);
        _common = common.ToArray();
    }

    /// <summary>The plaintext bytes of each frame except the last, in messages of this template.</summary>
    public int FrameLength { get; }

    /// <summary>The length of every header of this template.</summary>
    public int HeaderLength => AuthenticatedLength + MessageFormat.TagLength;

    private int AuthenticatedLength =>
        MessageFormat.MessageIdOffset + MessageFormat.MessageIdLength + _common.Length + MessageFormat.CommitmentLength;

    /// <summary>Writes a whole header.</summary>
    /// <param name="header">Exactly <see cref="HeaderLength"/> bytes.</param>
    /// <param name="messageId">The message's id.</param>
    /// <param name="commitment">The commitment of the message.</param>
    /// <param name="cipher">The cipher of the message, for the tag.</param>
    public void WriteHeader(Span<byte> header, ReadOnlySpan<byte> messageId, ReadOnlySpan<byte> commitment, in MessageCipher cipher)
    {
        var rest = header;
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

    // AWS's JavaScript SDK rejects a message in which one of these is empty.
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

    private static void WriteUInt32(MemoryStream common, int value)
    {
        Span<byte> bytes = stackalloc byte[sizeof(uint)];
        BinaryPrimitives.WriteUInt32BigEndian(bytes, (uint)value);
        common.Write(bytes);
    }
}
