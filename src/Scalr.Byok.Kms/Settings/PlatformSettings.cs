namespace Scalr.Byok.Kms.Settings;

/// <summary>The settings of <c>AddPlatformKey</c>. A type of its own, so that no key ring's settings are mistaken for them.</summary>
internal sealed class PlatformSettings
{
    public ByokKeySettings Key { get; } = new();
}
