using Microsoft.AspNetCore.DataProtection;
using Scalr.Byok.Kms;

namespace WebHost.Accounts;

/// <summary>
/// Settings as JSON in which the secrets are encrypted. The tenant is part of the purpose, so stored settings open in their own row only.
/// </summary>
internal static class SettingsProtection
{
    public static string Write(IDataProtectionProvider protection, string tenant, ByokKeySettings settings) =>
        ByokKeySettingsJson.Serialize(settings, ProtectorOf(protection, tenant).Protect);

    public static ByokKeySettings? Read(IDataProtectionProvider protection, string tenant, string? json) =>
        json is null ? null : ByokKeySettingsJson.Deserialize(json, ProtectorOf(protection, tenant).Unprotect);

    private static IDataProtector ProtectorOf(IDataProtectionProvider protection, string tenant) =>
        protection.CreateProtector("webhost", "key settings", tenant);
}
