using System.Buffers.Binary;

namespace Scalr.Byok.Kms.Messages;

/// <summary>One frame of a body, or its one block, where it stands; as <see cref="MessageFormat"/> lays it out.</summary>
internal readonly ref struct Frame
{
    private const int IVZeros = MessageFormat.IVLength - sizeof(uint);

    private Frame(FrameKind kind, uint sequence, ReadOnlySpan<byte> body, int ivOffset, int contentOffset, int contentLength)
    {
        Kind = kind;
        Sequence = sequence;
        IV = body.Slice(ivOffset, MessageFormat.IVLength);
        ContentOffset = contentOffset;
        Content = body.Slice(contentOffset, contentLength);
        Tag = body.Slice(contentOffset + contentLength, MessageFormat.TagLength);
    }

    public FrameKind Kind { get; }

    /// <summary>Whether the body ends with this frame.</summary>
    public bool IsLast => Kind != FrameKind.Regular;

    public uint Sequence { get; }

    /// <summary>As it stands in the frame: other writers than ours need not have made it of the sequence number.</summary>
    public ReadOnlySpan<byte> IV { get; }

    /// <summary>Where the content begins, counted from where the frame does.</summary>
    public int ContentOffset { get; }

    public ReadOnlySpan<byte> Content { get; }

    public ReadOnlySpan<byte> Tag { get; }

    /// <summary>The length of the whole frame.</summary>
    public int Length => ContentOffset + Content.Length + Tag.Length;

    /// <summary>Finds the frame at the start of some bytes; false unless it is whole and the one that is due.</summary>
    /// <param name="body">What is left of the body.</param>
    /// <param name="due">The sequence number that it must have.</param>
    /// <param name="format">What the header says of the body.</param>
    /// <param name="frame">The frame.</param>
    public static bool TryRead(ReadOnlySpan<byte> body, uint due, BodyFormat format, out Frame frame)
    {
        frame = default;
        if (!FrameHead.TryRead(body, due, format, out FrameHead head) || head.FrameLength > body.Length)
        {
            return false;
        }

        // That many bytes are there, so every length is an int.
        frame = new Frame(head.Kind, due, body, head.IVOffset, head.Length, (int)head.ContentLength);
        return true;
    }

    /// <summary>Encrypts and writes a frame that is not the last.</summary>
    /// <returns>How many bytes it took.</returns>
    public static int WriteRegular(Span<byte> destination, uint sequence, ReadOnlySpan<byte> plaintext, in MessageCipher cipher)
    {
        BinaryPrimitives.WriteUInt32BigEndian(destination, sequence);
        return Seal(FrameKind.Regular, destination, sizeof(uint), sizeof(uint) + MessageFormat.IVLength, sequence, plaintext, cipher);
    }

    /// <summary>Encrypts and writes the last frame.</summary>
    /// <returns>How many bytes it took.</returns>
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
        Span<byte> iv = destination.Slice(ivOffset, MessageFormat.IVLength);
        iv[..IVZeros].Clear();
        BinaryPrimitives.WriteUInt32BigEndian(iv[IVZeros..], sequence);
        Span<byte> content = destination.Slice(contentOffset, plaintext.Length);
        Span<byte> tag = destination.Slice(contentOffset + plaintext.Length, MessageFormat.TagLength);
        cipher.Seal(kind, sequence, iv, plaintext, content, tag);
        return contentOffset + plaintext.Length + MessageFormat.TagLength;
    }
}
