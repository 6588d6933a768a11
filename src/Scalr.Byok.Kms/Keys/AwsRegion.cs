using System.Numerics;

namespace Scalr.Byok.Kms.Keys;

/// <summary>
/// The name of an AWS Region, stored inline, and the partition that its form implies: no two partitions share a form. A Region of that name
/// need not exist, because AWS opens new ones.
/// </summary>
internal readonly record struct AwsRegion
{
    /// <summary>The longest accepted name. The longest name today has 15 characters; AWS documents no limit.</summary>
    public const int MaxLength = 24;

    private readonly ulong _first;
    private readonly ulong _second;
    private readonly ulong _third;
    private readonly byte _length;

    private AwsRegion(ulong first, ulong second, ulong third, int length, AwsPartition partition)
    {
        _first = first;
        _second = second;
        _third = third;
        _length = (byte)length;
        Partition = partition;
    }

    public AwsPartition Partition { get; }

    public int Length => _length;

    public static bool TryParse<T>(ReadOnlySpan<T> text, out AwsRegion region) where T : unmanaged, IBinaryInteger<T>
    {
        if (text.Length <= MaxLength)
        {
            foreach (var partition in AwsPartitions.All)
            {
                if (HasFormOf(partition, text))
                {
                    region = new AwsRegion(EightFrom(text, 0), EightFrom(text, 8), EightFrom(text, 16), text.Length, partition);
                    return true;
                }
            }
        }

        region = default;
        return false;
    }

    /// <summary>Whether the text has the form of a Region name in any partition.</summary>
    public static bool IsRegion(ReadOnlySpan<char> text) => TryParse(text, out _);

    /// <summary>Whether the text has the form of a Region name in the partition, such as <c>aws-cn</c>.</summary>
    public static bool IsRegionOf(ReadOnlySpan<char> partition, ReadOnlySpan<char> region)
        => TryParse(region, out var parsed) && partition.Is(parsed.Partition.Name());

    /// <summary>The message for a text that <see cref="IsRegion"/> rejects.</summary>
    public static string Complain(ReadOnlySpan<char> text)
    {
        var found = text.IsEmpty ? "the text is empty"
            : LooksLikeRegion(text) ? $"found {Quotation.Of(text)}"
            : $"the text, {Quotation.Count<char>(text.Length)} long and not shown, is none";
        return $"Not an AWS Region: {found}; expected a name in lower case such as 'us-east-1'.";
    }

    public void Write<T>(ref Span<T> destination) where T : unmanaged, IBinaryInteger<T>
    {
        for (var i = 0; i < _length; i++)
        {
            var eight = i < 8 ? _first : i < 16 ? _second : _third;
            destination[i] = T.CreateTruncating((eight >> (i % 8 * 8)) & byte.MaxValue);
        }

        destination = destination[_length..];
    }

    public override string ToString()
    {
        Span<char> text = stackalloc char[_length];
        var rest = text;
        Write(ref rest);
        return text.ToString();
    }

    /// <summary>Up to eight characters from a position on, the first in the lowest byte.</summary>
    private static ulong EightFrom<T>(ReadOnlySpan<T> text, int start) where T : unmanaged, IBinaryInteger<T>
    {
        var eight = 0UL;
        for (var i = Math.Min(text.Length, start + 8) - 1; i >= start; i--)
        {
            eight = (eight << 8) | byte.CreateTruncating(text[i]);
        }

        return eight;
    }

    private static bool HasFormOf<T>(AwsPartition partition, ReadOnlySpan<T> text) where T : unmanaged, IBinaryInteger<T>
    {
        foreach (var prefix in partition.RegionPrefixes())
        {
            if (text.Begins(prefix) && IsNameAndNumber(text[prefix.Length..]))
            {
                return true;
            }
        }

        return false;
    }

    private static bool IsNameAndNumber<T>(ReadOnlySpan<T> text) where T : unmanaged, IBinaryInteger<T>
    {
        var hyphen = text.IndexOf(T.CreateTruncating('-'));
        if (hyphen < 1 || hyphen == text.Length - 1)
        {
            return false;
        }

        foreach (var unit in text[..hyphen])
        {
            if (!unit.IsLowerCaseLetter())
            {
                return false;
            }
        }

        foreach (var unit in text[(hyphen + 1)..])
        {
            if (!unit.IsDigit())
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>
    /// Whether a rejected text resembles a Region so closely that quoting it cannot reveal a pasted secret: two to four letters, more words
    /// of letters, and at most two digits at the end. An Availability Zone has one more letter.
    /// </summary>
    private static bool LooksLikeRegion(ReadOnlySpan<char> text)
    {
        var first = text.IndexOfAny('-', '_', ' ');
        if (text.Length > MaxLength || first is < 2 or > 4)
        {
            return false;
        }

        if (text is [.., var digit, var zone] && char.IsAsciiDigit(digit) && char.IsAsciiLetter(zone))
        {
            text = text[..^1];
        }

        var words = text.TrimEnd("0123456789");
        if (text.Length - words.Length > 2)
        {
            return false;
        }

        foreach (var c in words)
        {
            if (!char.IsAsciiLetter(c) && c is not ('-' or '_' or ' '))
            {
                return false;
            }
        }

        return true;
    }
}
