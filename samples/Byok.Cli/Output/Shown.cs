using System.Globalization;
using System.Text;
using Spectre.Console;

namespace Byok.Cli.Output;

/// <summary>Escapes untrusted texts for a terminal: file names, and headers that are not authenticated.</summary>
internal static class Shown
{
    /// <summary>One line. Characters that control a terminal, or reorder or hide text, are written as escapes.</summary>
    public static string Line(string text)
    {
        var safe = new StringBuilder(text.Length);
        foreach (var rune in text.EnumerateRunes())
        {
            _ = IsHarmless(rune) ? safe.Append(rune) : safe.Append(CultureInfo.InvariantCulture, $"\\u{{{rune.Value:X4}}}");
        }

        return safe.ToString();
    }

    /// <summary>The same, with markup escaped.</summary>
    public static string Markup(string text) => Line(text).EscapeMarkup();

    /// <summary>A length in bytes, in a suitable unit.</summary>
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
