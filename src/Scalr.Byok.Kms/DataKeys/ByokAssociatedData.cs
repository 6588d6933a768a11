using System.Buffers.Binary;
using Scalr.Byok.Kms.DataKeys;

namespace Scalr.Byok.Kms;

/// <summary>Makes the associated data that binds an encrypted value to where it lives.</summary>
public static class ByokAssociatedData
{
    /// <summary>Associated data of texts such as table, column and row: different texts always give different bytes, wherever one ends and the next begins.</summary>
    /// <param name="parts">
    /// What tells this value's place from all others, and what it keeps for life: if a table is renamed, its old name has to stay here. Each must be valid Unicode.
    /// </param>
    /// <returns>For each text the number of its UTF-8 bytes as 32 bits, big-endian, and those bytes. The same in all versions.</returns>
    /// <exception cref="ArgumentException">A text is null or has half a surrogate pair.</exception>
    public static byte[] For(params ReadOnlySpan<string> parts)
    {
        var length = 0;
        foreach (var part in parts)
        {
            length += sizeof(int) + ValueText.Measure(part ?? throw new ArgumentException("A text is null.", nameof(parts)));
        }

        var data = new byte[length];
        var rest = data.AsSpan();
        foreach (var part in parts)
        {
            var count = ValueText.Measure(part);
            BinaryPrimitives.WriteInt32BigEndian(rest, count);
            ValueText.Write(part, rest.Slice(sizeof(int), count), nameof(parts));
            rest = rest[(sizeof(int) + count)..];
        }

        return data;
    }
}
