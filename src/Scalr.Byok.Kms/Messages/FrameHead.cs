using System.Buffers.Binary;

namespace Scalr.Byok.Kms.Messages;

/// <summary>What stands before a frame's content: all there is to know about where the frame ends.</summary>
/// <param name="Kind">What it is to its body.</param>
/// <param name="IVOffset">Where its IV begins.</param>
/// <param name="Length">The length of the head; the content begins there.</param>
/// <param name="ContentLength">The length of the content, which need not be there.</param>
internal readonly record struct FrameHead(FrameKind Kind, int IVOffset, int Length, long ContentLength)
{
    /// <summary>The longest head, that of a final frame.</summary>
    public const int MaxLength = MessageFormat.FinalFrameOverhead - MessageFormat.TagLength;

    // Of the most that the format allows one block, 2^36 - 32 bytes, and of every frame, this leaves room to add up in 64 bits.
    private const ulong MaxBlockLength = (1UL << 36) - 32;

    /// <summary>The length of the whole frame.</summary>
    public long FrameLength => Length + ContentLength + MessageFormat.TagLength;

    /// <summary>Reads the head at the start of some bytes; false unless it is whole and that of the frame that is due.</summary>
    public static bool TryRead(ReadOnlySpan<byte> body, uint due, BodyFormat format, out FrameHead head)
    {
        head = default;
        if (format.ContentType == ContentType.NonFramed)
        {
            return due == 1 && TryReadSingleBlock(body, out head);
        }

        if (!BinaryPrimitives.TryReadUInt32BigEndian(body, out uint sequence))
        {
            return false;
        }

        if (sequence == MessageFormat.FinalFrameMarker)
        {
            return TryReadFinal(body, due, format.FrameLength, out head);
        }

        head = new FrameHead(FrameKind.Regular, sizeof(uint), sizeof(uint) + MessageFormat.IVLength, format.FrameLength);
        return sequence == due && body.Length >= head.Length;
    }

    private static bool TryReadFinal(ReadOnlySpan<byte> body, uint due, uint frameLength, out FrameHead head)
    {
        head = default;
        if (body.Length < MaxLength || BinaryPrimitives.ReadUInt32BigEndian(body[sizeof(uint)..]) != due)
        {
            return false;
        }

        uint contentLength = BinaryPrimitives.ReadUInt32BigEndian(body[(MaxLength - sizeof(uint))..]);
        head = new FrameHead(FrameKind.Final, 2 * sizeof(uint), MaxLength, contentLength);
        return contentLength <= frameLength;
    }

    private static bool TryReadSingleBlock(ReadOnlySpan<byte> body, out FrameHead head)
    {
        head = default;
        if (body.Length < MessageFormat.IVLength || !BinaryPrimitives.TryReadUInt64BigEndian(body[MessageFormat.IVLength..], out ulong contentLength))
        {
            return false;
        }

        if (contentLength > MaxBlockLength)
        {
            return false;
        }

        head = new FrameHead(FrameKind.SingleBlock, 0, MessageFormat.IVLength + sizeof(ulong), (long)contentLength);
        return true;
    }
}
