namespace Scalr.Byok.Kms.KeyRing;

/// <summary>One complaint about key settings, naming its setting and quoting no secret.</summary>
/// <param name="Check">Which of the verification's checks it fails: the key ARN, its Region, or the rest of the settings.</param>
/// <param name="Text">The complaint.</param>
internal readonly record struct SettingsComplaint(ByokVerificationCheck Check, string Text)
{
    public SettingsComplaint(string text)
        : this(ByokVerificationCheck.Settings, text)
    {
    }
}
