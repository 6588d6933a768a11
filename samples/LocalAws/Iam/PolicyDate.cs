using System.Globalization;

namespace LocalAws.Iam;

/// <summary>The dates of policies: ISO 8601, or seconds since 1970. A date without an offset is in UTC.</summary>
internal static class PolicyDate
{
    private const DateTimeStyles Styles = DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal;

    private static readonly string[] Forms =
    [
        "yyyy-MM-dd", "yyyy-MM-ddTHH:mmK", "yyyy-MM-ddTHH:mm:ssK", "yyyy-MM-ddTHH:mm:ss.FFFFFFFK",
    ];

    public static bool IsDate(string text) => TryParse(text, out _);

    /// <exception cref="FormatException">The text is not a date.</exception>
    public static DateTimeOffset Parse(string text) =>
        TryParse(text, out var date) ? date : throw new FormatException("The text is not a date.");

    public static string Format(DateTimeOffset date) => date.UtcDateTime.ToString("O", CultureInfo.InvariantCulture);

    private static bool TryParse(string text, out DateTimeOffset date)
    {
        if (long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds)
            && seconds <= DateTimeOffset.MaxValue.ToUnixTimeSeconds())
        {
            date = DateTimeOffset.FromUnixTimeSeconds(seconds);
            return true;
        }

        return DateTimeOffset.TryParseExact(text, Forms, CultureInfo.InvariantCulture, Styles, out date);
    }
}
