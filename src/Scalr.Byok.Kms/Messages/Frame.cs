using System.Buffers.Binary;

namespace Scalr.Byok.Kms.Messages;

/// <summary>One frame of a body, where it stands; as <see cref="MessageFormat"/> lays it out.</summary>
internal readonly ref struct Frame
{
    private const int IVZeros = MessageFormat.IVLength - sizeof(uint);

    private Frame(bool final, uint sequence, int contentOffset, ReadOnlySpan<byte> iv, ReadOnlySpan<byte> content, ReadOnlySpan<byte> tag)
    {
        IsFinal = final;
        Sequence = sequence;
        IV = iv;
        Content = content;
        Tag = tag;
        Length = contentOffset + content.Length + tag.Length;
    }

    public bool IsFinal { get; }

    public uint Sequence { get; }

    /// <summary>As it stands in the frame: other writers than ours need not have made it of the sequence number.</summary>
    public ReadOnlySpan<byte> IV { get; }

    public ReadOnlySpan<byte> Content { get; }

    public ReadOnlySpan<byte> Tag { get; }

    /// <summary>The length of the whole frame.</summary>
    public int Length { get; }

    /// <summary>Finds the frame at the start of some bytes; false unless it is whole and the one that is due.</summary>
    /// <param name="body">What is left of the body.</param>
    /// <param name="due">The sequence number that it must have.</param>
    /// <param name="frameLength">The header's frame length.</param>
    /// <param name="frame">The frame.</param>
    public static bool TryRead(ReadOnlySpan<byte> body, uint due, uint frameLength, out Frame frame)
    {
        frame = default;
        if (!BinaryPrimitives.TryReadUInt32BigEndian(body, out uint sequence))
        {
            return false;
        }

        bool final = sequence == MessageFormat.FinalFrameMarker;
        int ivOffset = sizeof(uint);
        if (final)
        {
            ivOffset += sizeof(uint);
            if (!BinaryPrimitives.TryReadUInt32BigEndian(body[sizeof(uint)..], out sequence))
            {
                return false;
            }
        }

        int contentOffset = ivOffset + MessageFormat.IVLength;
        uint contentLength = frameLength;
        if (final)
        {
            if (body.Length < contentOffset || !BinaryPrimitives.TryReadUInt32BigEndian(body[contentOffset..], out contentLength))
            {
                return false;
            }

            contentOffset += sizeof(uint);
        }

        // Lengths have 32 bits, unsigned: added up in 64, and made an int only when that many bytes are there.
        if (sequence != due || contentLength > frameLength || (long)contentOffset + contentLength + MessageFormat.TagLength > body.Length)
        {
            return false;
        }

        int length = (int)contentLength;
        frame = new Frame(
            final,
            sequence,
            contentOffset,
            body.Slice(ivOffset, MessageFormat.IVLength),
            body.Slice(contentOffset, length),
            body.Slice(contentOffset + length, MessageFormat.TagLength));
        return true;
    }

    /// <summary>Encrypts and writes a frame that is not the last.</summary>
    /// <returns>How many bytes it took.</returns>
    public static int WriteRegular(Span<byte> destination, uint sequence, ReadOnlySpan<byte> plaintext, in MessageCipher cipher)
    {
        BinaryPrimitives.WriteUInt32BigEndian(destination, sequence);
        return Seal(final: false, destination, sizeof(uint), sizeof(uint) + MessageFormat.IVLength, sequence, plaintext, cipher);
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
        return Seal(final: true, destination, ivOffset, lengthOffset + sizeof(uint), sequence, plaintext, cipher);
    }

    private static int Seal(
        bool final,
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
        cipher.Seal(final, sequence, iv, plaintext, content, tag);
        return contentOffset + plaintext.Length + MessageFormat.TagLength;
    }
}
