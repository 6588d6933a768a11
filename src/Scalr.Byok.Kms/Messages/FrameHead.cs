using System.Buffers.Binary;

namespace Scalr.Byok.Kms.Messages;

/// <summary>The fields before a frame's content, which determine where the frame ends.</summary>
/// <param name="Kind">The kind of the frame.</param>
/// <param name="IVOffset">The offset of the IV.</param>
/// <param name="Length">The length of the head, and the offset of the content.</param>
/// <param name="ContentLength">The length of the content, as the head claims it.</param>
internal readonly record struct FrameHead(FrameKind Kind, int IVOffset, int Length, long ContentLength)
{
    /// <summary>The longest head, that of a final frame.</summary>
    public const int MaxLength = MessageFormat.FinalFrameOverhead - MessageFormat.TagLength;

    // The format's limit for one block. Sums of such lengths, and of every frame, fit into 64 bits.
    private const ulong MaxBlockLength = (1UL << 36) - 32;

    /// <summary>The length of the whole frame.</summary>
    public long FrameLength => Length + ContentLength + MessageFormat.TagLength;

    /// <summary>Reads the head at the start of the bytes; false if it is incomplete or of another frame than the expected one.</summary>
    public static bool TryRead(ReadOnlySpan<byte> body, uint due, BodyFormat format, out FrameHead head)
    {
        head = default;
        if (format.ContentType == ContentType.NonFramed)
        {
            return due == 1 && TryReadSingleBlock(body, out head);
        }

        if (!BinaryPrimitives.TryReadUInt32BigEndian(body, out var sequence))
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

        var contentLength = BinaryPrimitives.ReadUInt32BigEndian(body[(MaxLength - sizeof(uint))..]);
        head = new FrameHead(FrameKind.Final, 2 * sizeof(uint), MaxLength, contentLength);
        return contentLength <= frameLength;
    }

    private static bool TryReadSingleBlock(ReadOnlySpan<byte> body, out FrameHead head)
    {
        head = default;
        if (body.Length < MessageFormat.IVLength
            || !BinaryPrimitives.TryReadUInt64BigEndian(body[MessageFormat.IVLength..], out var contentLength))
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
