namespace Scalr.Byok.Kms.KeyRing;

/// <summary>The part of key settings that a validation error concerns.</summary>
internal enum SettingsPart
{
    KeyArn,
    AllowedRegion,
    Rest,
}
