using System.Buffers.Binary;

namespace Scalr.Byok.Kms.Messages;

/// <summary>What may follow a body: nothing, or in a message that signs a 16-bit length and the signature.</summary>
internal static class Footer
{
    /// <summary>The longest there can be.</summary>
    public const int MaxLength = sizeof(ushort) + ushort.MaxValue;

    /// <summary>Whether these bytes are a whole footer and nothing else.</summary>
    public static bool TryRead(ReadOnlySpan<byte> bytes, out ReadOnlySpan<byte> signature)
    {
        signature = default;
        if (!BinaryPrimitives.TryReadUInt16BigEndian(bytes, out ushort length) || bytes.Length - sizeof(ushort) != length)
        {
            return false;
        }

        signature = bytes[sizeof(ushort)..];
        return true;
    }
}
