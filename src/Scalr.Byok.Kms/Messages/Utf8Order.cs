namespace Scalr.Byok.Kms.Messages;

/// <summary>
/// The order of the pairs of an encryption context: by the UTF-8 bytes of the names, without encoding them. The ordinal order of strings
/// differs: it sorts surrogates, which stand for the highest code points, before U+E000 to U+FFFF.
/// </summary>
internal static class Utf8Order
{
    /// <summary>Compares two well-formed strings.</summary>
    public static int Compare(string left, string right)
    {
        var same = left.AsSpan().CommonPrefixLength(right);
        return same < left.Length && same < right.Length
            ? Rank(left[same]).CompareTo(Rank(right[same]))
            : left.Length.CompareTo(right.Length);
    }

    // UTF-8 sorts in the order of code points. Only surrogates stand for code points above all other UTF-16 units.
    private static int Rank(char unit) => char.IsSurrogate(unit) ? unit + char.MaxValue : unit;
}
