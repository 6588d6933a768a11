namespace Byok.Cli.Local;

/// <summary>The settings files of one credentials type.</summary>
/// <param name="CredentialsType">The type.</param>
/// <param name="Settings">The settings file.</param>
/// <param name="NextSettings">The settings file after the customer's change to another key, with the first one among the previous.</param>
internal sealed record DemoSettings(string CredentialsType, string Settings, string NextSettings);
