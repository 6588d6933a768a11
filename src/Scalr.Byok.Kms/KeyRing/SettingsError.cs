namespace Scalr.Byok.Kms.KeyRing;

/// <summary>A validation error of key settings. Names its setting and quotes no secret.</summary>
/// <param name="Part">The part of the settings.</param>
/// <param name="Text">The validation error.</param>
internal sealed record SettingsError(SettingsPart Part, string Text)
{
    public SettingsError(string text)
        : this(SettingsPart.Rest, text)
    {
    }
}
