using System.Buffers.Binary;
using System.Text;
using System.Text.Unicode;

namespace Scalr.Byok.Kms.Messages;

/// <summary>
/// The bytes of an encryption context: the length of the rest (16 bits), the number of pairs (16 bits), and for each pair the length of the
/// name (16 bits), the name, the length of the value (16 bits) and the value, sorted by name. Without pairs there is only the length, 0.
/// </summary>
internal static class ContextSection
{
    /// <summary>The length and the count.</summary>
    private const int HeadLength = 2 * sizeof(ushort);

    // Throws for invalid Unicode, where Encoding.UTF8 would write a replacement character.
    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>The number of UTF-8 bytes of a string; null if it contains an unpaired surrogate.</summary>
    public static int? Measure(string text)
    {
        try
        {
            return StrictUtf8.GetByteCount(text);
        }
        catch (EncoderFallbackException)
        {
            return null;
        }
    }

    /// <summary>Sorts valid pairs; false if a name occurs twice.</summary>
    public static bool TrySort(KeyValuePair<string, string>[] pairs)
    {
        Array.Sort(pairs, static (left, right) => Utf8Order.Compare(left.Key, right.Key));
        for (var i = 1; i < pairs.Length; i++)
        {
            if (string.Equals(pairs[i].Key, pairs[i - 1].Key, StringComparison.Ordinal))
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>Writes sorted pairs. The caller has checked their length.</summary>
    public static byte[] Write(ReadOnlySpan<KeyValuePair<string, string>> sorted)
    {
        var length = sizeof(ushort);
        foreach ((var key, var value) in sorted)
        {
            length += sizeof(ushort) + StrictUtf8.GetByteCount(key) + sizeof(ushort) + StrictUtf8.GetByteCount(value);
        }

        var section = new byte[sizeof(ushort) + length];
        BinaryPrimitives.WriteUInt16BigEndian(section, (ushort)length);
        BinaryPrimitives.WriteUInt16BigEndian(section.AsSpan(sizeof(ushort)), (ushort)sorted.Length);
        var rest = section.AsSpan(HeadLength);
        foreach ((var key, var value) in sorted)
        {
            WriteText(key, ref rest);
            WriteText(value, ref rest);
        }

        return section;
    }

    /// <summary>Whether the bytes are a length, a count and that number of pairs of UTF-8 strings, or the length 0.</summary>
    /// <param name="section">The bytes.</param>
    /// <param name="count">The number of pairs.</param>
    /// <param name="ascending">Whether the names are in ascending order, so that none occurs twice.</param>
    public static bool Check(ReadOnlySpan<byte> section, out int count, out bool ascending)
    {
        count = 0;
        ascending = true;
        if (!BinaryPrimitives.TryReadUInt16BigEndian(section, out var length) || section.Length - sizeof(ushort) != length)
        {
            return false;
        }

        if (length == 0)
        {
            return true;
        }

        if (!BinaryPrimitives.TryReadUInt16BigEndian(section[sizeof(ushort)..], out var announced))
        {
            return false;
        }

        var pairs = Pairs(section);
        ReadOnlySpan<byte> previous = default;
        for (; count < announced; count++)
        {
            if (!pairs.TryRead() || !Utf8.IsValid(pairs.Key) || !Utf8.IsValid(pairs.Value))
            {
                return false;
            }

            ascending &= count == 0 || previous.SequenceCompareTo(pairs.Key) < 0;
            previous = pairs.Key;
        }

        return pairs.AtEnd;
    }

    /// <summary>The number of pairs of a section that passed <see cref="Check"/>.</summary>
    public static int Count(ReadOnlySpan<byte> section) =>
        section.Length < HeadLength ? 0 : BinaryPrimitives.ReadUInt16BigEndian(section[sizeof(ushort)..]);

    /// <summary>The pairs of a section that passed <see cref="Check"/>, as bytes.</summary>
    public static ContextPairs Pairs(ReadOnlySpan<byte> section) => new(section.Length > HeadLength ? section[HeadLength..] : default);

    /// <summary>The pairs of a section that passed <see cref="Check"/>, as strings.</summary>
    public static KeyValuePair<string, string>[] Decode(ReadOnlySpan<byte> section)
    {
        var decoded = new KeyValuePair<string, string>[Count(section)];
        var pairs = Pairs(section);
        for (var i = 0; pairs.TryRead(); i++)
        {
            decoded[i] = new(StrictUtf8.GetString(pairs.Key), StrictUtf8.GetString(pairs.Value));
        }

        return decoded;
    }

    private static void WriteText(string text, ref Span<byte> rest)
    {
        var length = StrictUtf8.GetBytes(text, rest[sizeof(ushort)..]);
        BinaryPrimitives.WriteUInt16BigEndian(rest, (ushort)length);
        rest = rest[(sizeof(ushort) + length)..];
    }
}
