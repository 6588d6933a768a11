using Microsoft.Extensions.Configuration;

namespace Scalr.Byok.Kms.Settings;

/// <summary>What was read from one configuration section.</summary>
/// <param name="Path">The section's full path; empty for the root.</param>
/// <param name="Tree">The values of the right shape, to bind.</param>
/// <param name="IsMissing">Whether the section does not exist or is empty.</param>
/// <param name="Errors">What has the wrong shape: the setting's path below <paramref name="Path"/>, and the message with the full path.</param>
/// <param name="Warnings">Unknown names, and lists that were replaced.</param>
internal sealed record SettingsReading(
    string Path, IConfiguration Tree, bool IsMissing, IReadOnlyList<(string Setting, string Message)> Errors, IReadOnlyList<string> Warnings)
{
    /// <summary>The messages of a validator with the full path, without those about settings that already have an error.</summary>
    /// <param name="messages">Messages that start with the path of a setting below <see cref="Path"/>.</param>
    public IEnumerable<string> Complete(IEnumerable<string> messages) =>
        Errors.Select(error => error.Message).Concat(messages.Where(message => !Errors.Any(error => IsAbout(message, error.Setting))).Select(InFull));

    private static bool IsAbout(string message, string setting) =>
        setting.Length == 0 || (message.StartsWith(setting, StringComparison.OrdinalIgnoreCase) && (message.Length == setting.Length || message[setting.Length] is ' ' or ':'));

    private string InFull(string message) =>
        Path.Length == 0 ? message : char.IsAsciiLetterLower(message[0]) ? $"{Path}: {message}" : $"{Path}:{message}";
}
