namespace Scalr.Byok.Kms.KeyRing;

/// <summary>What a complaint about key settings is about.</summary>
internal enum SettingsPart
{
    KeyArn,
    AllowedRegion,
    Rest,
}
