using System.Numerics;

namespace Scalr.Byok.Kms.Keys;

/// <summary>
/// The id of a KMS key, stored inline: 128 bits, written as a UUID (single-Region) or as <c>mrk-</c> and 32 digits (multi-Region). Both
/// forms have the same length.
/// </summary>
internal readonly record struct KmsKeyId
{
    public const int Length = 36;
    public const string MultiRegionPrefix = "mrk-";

    private readonly ulong _high;
    private readonly ulong _low;

    private KmsKeyId(ulong high, ulong low, bool isMultiRegion)
    {
        _high = high;
        _low = low;
        IsMultiRegion = isMultiRegion;
    }

    public bool IsMultiRegion { get; }

    /// <summary>
    /// Parses a key id. Its letters must be lower case, unless <paramref name="ignoreCase"/> is true: AWS KMS prints lower case, and IAM is
    /// case-sensitive.
    /// </summary>
    public static bool TryParse<T>(ReadOnlySpan<T> text, bool ignoreCase, out KmsKeyId id) where T : unmanaged, IBinaryInteger<T>
    {
        id = default;
        if (text.Length != Length)
        {
            return false;
        }

        var isMultiRegion = BeginsMultiRegion(text, ignoreCase);
        var start = isMultiRegion ? MultiRegionPrefix.Length : 0;
        var (high, low) = (0UL, 0UL);
        for (var i = start; i < Length; i++)
        {
            var c = text[i].ToChar();
            if (!isMultiRegion && IsHyphenAt(i))
            {
                if (c != '-')
                {
                    return false;
                }
            }
            else if (char.IsAsciiHexDigitLower(c) || (ignoreCase && char.IsAsciiHexDigit(c)))
            {
                high = (high << 4) | (low >> 60);
                low = (low << 4) | (uint)Digit(c);
            }
            else
            {
                return false;
            }
        }

        id = new KmsKeyId(high, low, isMultiRegion);
        return true;
    }

    public static bool BeginsMultiRegion<T>(ReadOnlySpan<T> text, bool ignoreCase) where T : unmanaged, IBinaryInteger<T>
        => text.Begins(MultiRegionPrefix) || (ignoreCase && text.Length >= MultiRegionPrefix.Length
            && (text[0].ToChar() | 32) == 'm' && (text[1].ToChar() | 32) == 'r'
            && (text[2].ToChar() | 32) == 'k' && text[3].ToChar() == '-');

    public void Write<T>(ref Span<T> destination) where T : unmanaged, IBinaryInteger<T>
    {
        var shift = 128;
        for (var i = 0; i < Length; i++)
        {
            char c;
            if (IsMultiRegion && i < MultiRegionPrefix.Length)
            {
                c = MultiRegionPrefix[i];
            }
            else if (!IsMultiRegion && IsHyphenAt(i))
            {
                c = '-';
            }
            else
            {
                shift -= 4;
                c = "0123456789abcdef"[(int)(((shift >= 64 ? _high : _low) >> (shift % 64)) & 15)];
            }

            destination[i] = T.CreateTruncating(c);
        }

        destination = destination[Length..];
    }

    public override string ToString() => string.Create(Length, this, static (chars, id) => id.Write(ref chars));

    private static bool IsHyphenAt(int index) => index is 8 or 13 or 18 or 23;

    private static int Digit(char c) => char.IsAsciiDigit(c) ? c - '0' : (c | 32) - 'a' + 10;
}
