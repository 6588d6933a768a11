using System.Buffers.Binary;

namespace Scalr.Byok.Kms.Messages;

/// <summary>One frame of a body, or its one block, in place; see <see cref="MessageFormat"/>.</summary>
internal readonly ref struct Frame
{
    private const int IVZeros = MessageFormat.IVLength - sizeof(uint);

    private Frame(FrameHead head, uint sequence, ReadOnlySpan<byte> iv, ReadOnlySpan<byte> content, ReadOnlySpan<byte> tag)
    {
        Kind = head.Kind;
        Sequence = sequence;
        IV = iv;
        ContentOffset = head.Length;
        Content = content;
        Tag = tag;
    }

    public FrameKind Kind { get; }

    /// <summary>Whether the body ends with this frame.</summary>
    public bool IsLast => Kind != FrameKind.Regular;

    public uint Sequence { get; }

    /// <summary>The IV in the frame. Other writers need not have derived it from the sequence number.</summary>
    public ReadOnlySpan<byte> IV { get; }

    /// <summary>The offset of the content in the frame.</summary>
    public int ContentOffset { get; }

    public ReadOnlySpan<byte> Content { get; }

    public ReadOnlySpan<byte> Tag { get; }

    /// <summary>The length of the whole frame.</summary>
    public int Length => ContentOffset + Content.Length + Tag.Length;

    /// <summary>Reads the frame at the start of the bytes; false if it is incomplete or has another sequence number.</summary>
    /// <param name="body">The rest of the body.</param>
    /// <param name="due">The expected sequence number.</param>
    /// <param name="format">The layout of the body.</param>
    /// <param name="frame">The frame.</param>
    public static bool TryRead(ReadOnlySpan<byte> body, uint due, BodyFormat format, out Frame frame)
    {
        frame = default;
        if (!FrameHead.TryRead(body, due, format, out var head) || head.FrameLength > body.Length)
        {
            return false;
        }

        // The whole frame is in the span, so its length is an int.
        var length = (int)head.ContentLength;
        frame = Of(head, due, body, body.Slice(head.Length, length), body.Slice(head.Length + length, MessageFormat.TagLength));
        return true;
    }

    /// <summary>A frame whose parts are in different places.</summary>
    /// <param name="head">The head.</param>
    /// <param name="sequence">The sequence number.</param>
    /// <param name="headBytes">The bytes of the head.</param>
    /// <param name="content">The content.</param>
    /// <param name="tag">The tag.</param>
    public static Frame Of(
        FrameHead head, uint sequence, ReadOnlySpan<byte> headBytes, ReadOnlySpan<byte> content, ReadOnlySpan<byte> tag) =>
        new(head, sequence, headBytes.Slice(head.IVOffset, MessageFormat.IVLength), content, tag);

    /// <summary>Encrypts and writes a frame that is not the last.</summary>
    /// <returns>The number of bytes written.</returns>
    public static int WriteRegular(Span<byte> destination, uint sequence, ReadOnlySpan<byte> plaintext, in MessageCipher cipher)
    {
        BinaryPrimitives.WriteUInt32BigEndian(destination, sequence);
        return Seal(FrameKind.Regular, destination, sizeof(uint), sizeof(uint) + MessageFormat.IVLength, sequence, plaintext, cipher);
    }

    /// <summary>Encrypts and writes the last frame.</summary>
    /// <returns>The number of bytes written.</returns>
    public static int WriteFinal(Span<byte> destination, uint sequence, ReadOnlySpan<byte> plaintext, in MessageCipher cipher)
    {
        const int ivOffset = 2 * sizeof(uint);
        const int lengthOffset = ivOffset + MessageFormat.IVLength;
        BinaryPrimitives.WriteUInt32BigEndian(destination, MessageFormat.FinalFrameMarker);
        BinaryPrimitives.WriteUInt32BigEndian(destination[sizeof(uint)..], sequence);
        BinaryPrimitives.WriteUInt32BigEndian(destination[lengthOffset..], (uint)plaintext.Length);
        return Seal(FrameKind.Final, destination, ivOffset, lengthOffset + sizeof(uint), sequence, plaintext, cipher);
    }

    private static int Seal(
        FrameKind kind,
        Span<byte> destination,
        int ivOffset,
        int contentOffset,
        uint sequence,
        ReadOnlySpan<byte> plaintext,
        in MessageCipher cipher)
    {
        var iv = destination.Slice(ivOffset, MessageFormat.IVLength);
        iv[..IVZeros].Clear();
        BinaryPrimitives.WriteUInt32BigEndian(iv[IVZeros..], sequence);
        var content = destination.Slice(contentOffset, plaintext.Length);
        var tag = destination.Slice(contentOffset + plaintext.Length, MessageFormat.TagLength);
        cipher.Seal(kind, sequence, iv, plaintext, content, tag);
        return contentOffset + plaintext.Length + MessageFormat.TagLength;
    }
}
