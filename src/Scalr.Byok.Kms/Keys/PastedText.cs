using System.Globalization;

namespace Scalr.Byok.Kms.Keys;

/// <summary>Finds what copy and paste leaves around a value: white space, invisible characters and quotation marks.</summary>
/// <remarks>
/// The messages continue a sentence that starts with the field's name. They contain characters and positions, and quote nothing else.
/// </remarks>
internal static class PastedText
{
    private const string Quotes =
        "\"'`\u00AB\u00B4\u00BB\u2018\u2019\u201A\u201B\u201C\u201D\u201E\u201F\u2032\u2033\u2039\u203A\u300C\u300D\uFF02\uFF07";

    /// <summary>Characters that show nothing, although Unicode counts them as letters, symbols or marks.</summary>
    private const string Blank = "\u034F\u115F\u1160\u17B4\u17B5\u2800\u3164\uFE0E\uFE0F\uFFA0";
    private const int MostTold = 3;

    /// <summary>What does not belong in a value without white space; null if there is nothing.</summary>
    public static string? Complain(string text) => Complain(text, inside: true);

    /// <summary>The same, for a value that may contain white space.</summary>
    public static string? ComplainAboutEnds(string text) => Complain(text, inside: false);

    private static string? Complain(string text, bool inside)
    {
        // Quotation marks count at both ends of what remains without the other characters.
        var (start, end) = (0, text.Length);
        while (start < end && (IsStray(text, start, inside) || IsQuote(text[start])))
        {
            start++;
        }

        while (end > start && (IsStray(text, end - 1, inside) || IsQuote(text[end - 1])))
        {
            end--;
        }

        var found = new List<int>();
        for (var i = 0; i < text.Length; i++)
        {
            if (IsStray(text, i, inside) || (IsQuote(text[i]) && (i < start || i >= end)))
            {
                found.Add(i);
            }
        }

        return found.Count == 0 ? null : Describe(text, found);
    }

    private static string Describe(string text, List<int> found)
    {
        var told = string.Join(
            ", ", found.Take(MostTold).Select(i => string.Create(CultureInfo.InvariantCulture, $"{Name(text, i)} at position {i + 1}")));
        var more = found.Count > MostTold ? string.Create(CultureInfo.InvariantCulture, $" and {found.Count - MostTold} more") : "";
        return string.Create(
            CultureInfo.InvariantCulture,
            $"has {told}{more} of {Quotation.Count<char>(text.Length)}. Remove {(found.Count == 1 ? "it" : "them")}.");
    }

    private static bool IsStray(string text, int i, bool inside)
    {
        var c = text[i];
        return char.IsControl(c) || CharUnicodeInfo.GetUnicodeCategory(text, i) == UnicodeCategory.Format
            || Blank.Contains(c, StringComparison.Ordinal)
            || (char.IsWhiteSpace(c) && (inside || string.IsNullOrWhiteSpace(text[..i]) || string.IsNullOrWhiteSpace(text[i..])));
    }

    private static bool IsQuote(char c) => Quotes.Contains(c, StringComparison.Ordinal);

    private static string Name(string text, int i) => text[i] switch
    {
        ' ' => "a space",
        '\t' => "a tab",
        '\n' or '\r' => "a line break",
        '\u00A0' => "a no-break space (U+00A0)",
        '\uFEFF' => "a byte order mark (U+FEFF)",
        '\u200B' => "a zero-width space (U+200B)",
        var c when IsQuote(c) => $"a quotation mark (U+{(int)c:X4})",
        var c when char.IsWhiteSpace(c) => $"white space (U+{(int)c:X4})",
        var c => $"an invisible character (U+{(char.IsSurrogatePair(text, i) ? char.ConvertToUtf32(text, i) : c):X4})",
    };
}
