namespace Scalr.Byok.Kms.KeyRing;

/// <summary>One complaint about key settings, naming its setting and quoting no secret.</summary>
/// <param name="Part">What it is about.</param>
/// <param name="Text">The complaint.</param>
internal readonly record struct SettingsComplaint(SettingsPart Part, string Text)
{
    public SettingsComplaint(string text)
        : this(SettingsPart.Rest, text)
    {
    }
}
