using System.Globalization;
using Microsoft.Extensions.Configuration;

namespace Scalr.Byok.Kms.Settings;

/// <summary>The result of reading one configuration section.</summary>
/// <param name="Path">The section's full path; empty for the root.</param>
/// <param name="Tree">The values that are bound to the options. Values of the wrong shape are left out.</param>
/// <param name="IsMissing">Whether the section does not exist or is empty.</param>
/// <param name="Errors">
/// Values of the wrong shape: the setting's path below <paramref name="Path"/>, and the message with the full path.
/// </param>
/// <param name="Warnings">Unknown names, and lists that were replaced.</param>
internal sealed record SettingsReading(
    string Path,
    IConfiguration Tree,
    bool IsMissing,
    IReadOnlyList<(string Setting, string Message)> Errors,
    IReadOnlyList<string> Warnings)
{
    /// <summary>
    /// The numbers of each list's entries in configuration, by the list's path below <see cref="Path"/>. Validators count without gaps.
    /// </summary>
    public IReadOnlyDictionary<string, string[]> Numbers { get; init; } = new Dictionary<string, string[]>();

    /// <summary>The messages of a validator with the full path, without those about settings that already have an error.</summary>
    /// <param name="messages">Messages that start with the path of a setting below <see cref="Path"/>.</param>
    public IEnumerable<string> Complete(IEnumerable<string> messages) =>
        Errors.Select(error => error.Message).Concat(messages.Where(message => !HasErrorFor(message)).Select(InFull));

    /// <summary>Whether a message of a validator is about a setting that already has an error.</summary>
    public bool HasErrorFor(string message)
    {
        var numbered = Renumber(message);
        return Errors.Any(error => IsAbout(numbered, error.Setting));
    }

    /// <summary>Returns the message of a validator with the full path.</summary>
    public string InFull(string message) =>
        Path.Length == 0 ? Renumber(message)
        : char.IsAsciiLetterLower(message[0]) ? $"{Path}: {message}"
        : $"{Path}:{Renumber(message)}";

    /// <summary>Replaces a validator's number of a list's entry by the one in configuration.</summary>
    private string Renumber(string message)
    {
        var list = Numbers.Keys.FirstOrDefault(list => message.StartsWith($"{list}:", StringComparison.OrdinalIgnoreCase));
        if (list is null)
        {
            return message;
        }

        var rest = message.AsSpan(list.Length + 1);
        var digits = Math.Max(rest.IndexOfAnyExceptInRange('0', '9'), 0);
        return int.TryParse(rest[..digits], NumberStyles.None, CultureInfo.InvariantCulture, out var i) && i < Numbers[list].Length
            ? $"{message[..(list.Length + 1)]}{Numbers[list][i]}{rest[digits..]}"
            : message;
    }

    private static bool IsAbout(string message, string setting) =>
        setting.Length == 0
        || (message.StartsWith(setting, StringComparison.OrdinalIgnoreCase)
            && (message.Length == setting.Length || message[setting.Length] is ' ' or ':'));
}
