using System.Buffers;
using System.Buffers.Binary;

namespace Scalr.Byok.Kms.Messages;

/// <summary>What follows a body: nothing, or in a signed message a 16-bit length and the signature.</summary>
internal static class Footer
{
    /// <summary>The longest footer.</summary>
    public const int MaxLength = sizeof(ushort) + ushort.MaxValue;

    /// <summary>Whether the bytes are exactly one footer. Copies them if they are in several pieces.</summary>
    public static bool TryRead(ReadOnlySequence<byte> bytes, out ReadOnlySpan<byte> signature)
    {
        signature = default;
        return bytes.Length <= MaxLength && TryRead(bytes.IsSingleSegment ? bytes.FirstSpan : bytes.ToArray(), out signature);
    }

    /// <summary>Whether the bytes are exactly one footer.</summary>
    public static bool TryRead(ReadOnlySpan<byte> bytes, out ReadOnlySpan<byte> signature)
    {
        signature = default;
        if (!BinaryPrimitives.TryReadUInt16BigEndian(bytes, out var length) || bytes.Length - sizeof(ushort) != length)
        {
            return false;
        }

        signature = bytes[sizeof(ushort)..];
        return true;
    }
}
