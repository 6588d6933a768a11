using System.Buffers.Binary;
using System.Text;
using System.Text.Unicode;

namespace Scalr.Byok.Kms.Messages;

/// <summary>
/// The bytes of an encryption context: a 16-bit length of what follows, a 16-bit count, and for each pair 16-bit length, key, 16-bit
/// length, value, sorted by key. Without pairs there is no count either, only the length, 0.
/// </summary>
internal static class ContextSection
{
    /// <summary>The length and the count.</summary>
    private const int HeadLength = 2 * sizeof(ushort);

    // Refuses what is no Unicode where Encoding.UTF8 would put a replacement character.
    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>How many bytes a string takes, or null if half a surrogate pair in it keeps it from being UTF-8 at all.</summary>
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

    /// <summary>Puts well-formed pairs into their order; false if a key occurs twice.</summary>
    public static bool TrySort(KeyValuePair<string, string>[] pairs)
    {
        Array.Sort(pairs, static (left, right) => Utf8Order.Compare(left.Key, right.Key));
        for (int i = 1; i < pairs.Length; i++)
        {
            if (string.Equals(pairs[i].Key, pairs[i - 1].Key, StringComparison.Ordinal))
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>Writes sorted pairs that fit.</summary>
    public static byte[] Write(ReadOnlySpan<KeyValuePair<string, string>> sorted)
    {
        int length = sizeof(ushort);
        foreach ((string key, string value) in sorted)
        {
            length += sizeof(ushort) + StrictUtf8.GetByteCount(key) + sizeof(ushort) + StrictUtf8.GetByteCount(value);
        }

        byte[] section = new byte[sizeof(ushort) + length];
        BinaryPrimitives.WriteUInt16BigEndian(section, (ushort)length);
        BinaryPrimitives.WriteUInt16BigEndian(section.AsSpan(sizeof(ushort)), (ushort)sorted.Length);
        Span<byte> rest = section.AsSpan(HeadLength);
        foreach ((string key, string value) in sorted)
        {
            WriteText(key, ref rest);
            WriteText(value, ref rest);
        }

        return section;
    }

    /// <summary>Whether these bytes are a length, a count and as many pairs of UTF-8 strings as they say, or the length 0.</summary>
    /// <param name="section">The bytes.</param>
    /// <param name="count">How many pairs there are.</param>
    /// <param name="ascending">Whether each key comes after the one before, so that none can occur twice.</param>
    public static bool Check(ReadOnlySpan<byte> section, out int count, out bool ascending)
    {
        count = 0;
        ascending = true;
        if (!BinaryPrimitives.TryReadUInt16BigEndian(section, out ushort length) || section.Length - sizeof(ushort) != length)
        {
            return false;
        }

        if (length == 0)
        {
            return true;
        }

        if (!BinaryPrimitives.TryReadUInt16BigEndian(section[sizeof(ushort)..], out ushort announced))
        {
            return false;
        }

        ContextPairs pairs = Pairs(section);
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

    /// <summary>The pairs of a section that passed <see cref="Check"/>, as bytes.</summary>
    public static ContextPairs Pairs(ReadOnlySpan<byte> section) => new(section.Length > HeadLength ? section[HeadLength..] : default);

    /// <summary>The pairs of a section that passed <see cref="Check"/>, as strings.</summary>
    public static KeyValuePair<string, string>[] Decode(ReadOnlySpan<byte> section)
    {
        List<KeyValuePair<string, string>> decoded = [];
        ContextPairs pairs = Pairs(section);
        while (pairs.TryRead())
        {
            decoded.Add(new(StrictUtf8.GetString(pairs.Key), StrictUtf8.GetString(pairs.Value)));
        }

        return [.. decoded];
    }

    private static void WriteText(string text, ref Span<byte> rest)
    {
        int length = StrictUtf8.GetBytes(text, rest[sizeof(ushort)..]);
        BinaryPrimitives.WriteUInt16BigEndian(rest, (ushort)length);
        rest = rest[(sizeof(ushort) + length)..];
    }
}
