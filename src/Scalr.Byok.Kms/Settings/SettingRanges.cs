namespace Scalr.Byok.Kms.Settings;

/// <summary>Validates numbers and durations of options. Each message starts with the setting's name.</summary>
internal static class SettingRanges
{
    public static void Check(List<string> errors, string setting, long value, long least, long most)
    {
        if (value < least || value > most)
        {
            errors.Add($"{setting} is {value}; it must be {least} to {most}.");
        }
    }

    public static void CheckLeast(List<string> errors, string setting, long value, long least)
    {
        if (value < least)
        {
            errors.Add($"{setting} is {value}; it must be {least} or more.");
        }
    }

    /// <param name="errors">Receives the validation error.</param>
    /// <param name="setting">The setting's name.</param>
    /// <param name="value">Its value.</param>
    /// <param name="least">The shortest duration.</param>
    /// <param name="most">The longest duration.</param>
    /// <param name="expected">The two durations, as the end of a sentence.</param>
    public static void Check(List<string> errors, string setting, TimeSpan value, TimeSpan least, TimeSpan most, string expected)
    {
        if (value < least || value > most)
        {
            errors.Add($"{setting} is {value}; {expected}.");
        }
    }
}
