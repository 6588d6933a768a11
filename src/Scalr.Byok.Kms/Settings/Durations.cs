using System.Globalization;

namespace Scalr.Byok.Kms.Settings;

/// <summary>
/// Detects durations that .NET reads in another way than they are meant: a bare number and hours above 23 as days, and two numbers as hours
/// and minutes, where minutes and seconds may be meant.
/// </summary>
internal static class Durations
{
    /// <summary>Whether a text is a duration that .NET reads as it is meant.</summary>
    public static bool IsClear(string text) => TryParse(text, out var duration) && !IsMisread(text.Trim(), duration);

    /// <summary>What .NET would read, in words; null if .NET reads the text as it is meant, or not at all.</summary>
    public static string? Misread(string text) =>
        !TryParse(text, out var duration) || !IsMisread(text.Trim(), duration) ? null
            : duration.Days == 0 ? "hours and minutes"
            : string.Create(
                CultureInfo.InvariantCulture, $"{duration.TotalDays:0.######} {(Math.Abs(duration.TotalDays) == 1 ? "day" : "days")}");

    private static bool TryParse(string text, out TimeSpan duration) => TimeSpan.TryParse(text, CultureInfo.InvariantCulture, out duration);

    private static bool IsMisread(string text, TimeSpan duration) =>
        duration != TimeSpan.Zero && (HasTwoParts(text) || (duration.Days != 0 && !HasDays(text) && text.AsSpan().Count(':') < 3));

    private static bool HasTwoParts(string text) => text.AsSpan().Count(':') == 1;

    private static bool HasDays(string text) =>
        text.IndexOf('.', StringComparison.Ordinal) is >= 0 and var point && point < text.IndexOf(':', StringComparison.Ordinal);
}
