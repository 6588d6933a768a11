using System.Globalization;
using System.Text;
using Spectre.Console;

namespace Byok.Cli.Output;

/// <summary>Texts from outside (file names, messages that no one has authenticated), made fit for a terminal.</summary>
internal static class Shown
{
    /// <summary>One line: whatever a terminal would obey, or that would reorder or hide other text, is written as an escape.</summary>
    public static string Line(string text)
    {
        var safe = new StringBuilder(text.Length);
        foreach (var rune in text.EnumerateRunes())
        {
            _ = IsHarmless(rune) ? safe.Append(rune) : safe.Append(CultureInfo.InvariantCulture, $"\\u{{{rune.Value:X4}}}");
        }

        return safe.ToString();
    }

    /// <summary>The same, and nothing of it is markup.</summary>
    public static string Markup(string text) => Line(text).EscapeMarkup();

    /// <summary>A length in bytes, in the unit that suits it.</summary>
    public static string Bytes(long bytes)
    {
        string[] units = ["KB", "MB", "GB", "TB"];
        if (bytes < 1000)
        {
            return string.Create(CultureInfo.InvariantCulture, $"{bytes} B");
        }

        var (value, unit) = (bytes / 1000d, 0);
        while (value >= 999.95 && unit < units.Length - 1)
        {
            (value, unit) = (value / 1000, unit + 1);
        }

        return string.Create(CultureInfo.InvariantCulture, $"{value:0.0} {units[unit]}");
    }

    /// <summary>A number of things: 1 file, 2 files.</summary>
    public static string Count(int count, string noun) =>
        string.Create(CultureInfo.InvariantCulture, $"{count} {noun}{(count == 1 ? "" : "s")}");

    private static bool IsHarmless(Rune rune) => Rune.GetUnicodeCategory(rune) is not (
        UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.Surrogate
        or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator or UnicodeCategory.OtherNotAssigned)
            && rune != Rune.ReplacementChar;
}
