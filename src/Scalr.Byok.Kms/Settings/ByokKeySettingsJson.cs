using System.Text.Json;
using Scalr.Byok.Kms.Settings;

namespace Scalr.Byok.Kms;

/// <summary>Writes and reads <see cref="ByokKeySettings"/> as JSON for the host's store, with the secrets encrypted by the host.</summary>
/// <remarks>
/// <para>
/// <c>JsonSerializer.Serialize(settings)</c> cannot store settings: it omits <see cref="ByokCredentialSettings.SecretAccessKey"/> and
/// <see cref="ByokCredentialSettings.ExternalId"/>. This class writes both as the texts that the host's protector returns, under the names
/// <c>ProtectedSecretAccessKey</c> and <c>ProtectedExternalId</c>. The rest of the JSON is readable.
/// </para>
/// <para>
/// Use <c>IDataProtector</c> of ASP.NET Core, for example: <c>ByokKeySettingsJson.Serialize(settings, protector.Protect)</c>. Give the
/// protector a purpose with the tenant's name, so that one tenant's stored settings are useless for another tenant. Unknown members are
/// ignored, so an older version of the library reads what a newer version wrote.
/// </para>
/// </remarks>
public static class ByokKeySettingsJson
{
    /// <summary>Writes settings as JSON.</summary>
    /// <param name="settings">The settings. They are not validated.</param>
    /// <param name="protect">Encrypts a secret and returns a text, as <c>IDataProtector.Protect</c> does.</param>
    /// <returns>The JSON, without any unencrypted secret.</returns>
    /// <exception cref="ArgumentNullException">An argument is null.</exception>
    /// <exception cref="InvalidOperationException">
    /// <paramref name="protect"/> returned no text, or a text that contains the secret. Or the settings are, or contain, the platform key.
    /// </exception>
    /// <remarks>Exceptions of <paramref name="protect"/> are passed on unchanged.</remarks>
    public static string Serialize(ByokKeySettings settings, Func<string, string> protect)
    {
        ArgumentNullException.ThrowIfNull(settings);
        ArgumentNullException.ThrowIfNull(protect);
        if (settings.IsPlatform || settings.PreviousKeys?.Any(static key => key?.IsPlatform == true) == true)
        {
            // A JSON that could say it would let a customer's form say it, and a JSON that left it out would lose it.
            throw new InvalidOperationException(
                $"{nameof(ByokKeySettings.Platform)} cannot be written as JSON. Store which tenants use the platform key in a column of "
                + $"your own, and return {nameof(ByokKeySettings)}.{nameof(ByokKeySettings.Platform)} from "
                + $"{nameof(IByokKeySettingsStore)}.{nameof(IByokKeySettingsStore.FindAsync)}.");
        }

        return JsonSerializer.Serialize(StoredKeySettings.From(settings, protect), StoredKeySettingsContext.Default.StoredKeySettings);
    }

    /// <summary>Reads settings that <see cref="Serialize"/> wrote.</summary>
    /// <param name="json">The JSON.</param>
    /// <param name="unprotect">Decrypts a secret, as <c>IDataProtector.Unprotect</c> does.</param>
    /// <returns>The settings. They are not validated.</returns>
    /// <exception cref="ArgumentNullException">An argument is null.</exception>
    /// <exception cref="JsonException">The text is not JSON of key settings, or contains an unencrypted secret.</exception>
    /// <exception cref="InvalidOperationException"><paramref name="unprotect"/> returned no text.</exception>
    /// <remarks>Exceptions of <paramref name="unprotect"/> are passed on unchanged.</remarks>
    public static ByokKeySettings Deserialize(string json, Func<string, string> unprotect)
    {
        ArgumentNullException.ThrowIfNull(json);
        ArgumentNullException.ThrowIfNull(unprotect);
        var stored = JsonSerializer.Deserialize(json, StoredKeySettingsContext.Default.StoredKeySettings)
            ?? throw new JsonException("The JSON is null; expected key settings.");
        return stored.ToSettings(unprotect);
    }
}
