using System.Text.Json;
using Scalr.Byok.Kms.Settings;

namespace Scalr.Byok.Kms;

/// <summary>Writes <see cref="ByokKeySettings"/> as JSON to store, and reads it back, with the secrets protected by the host.</summary>
/// <remarks>
/// <para>
/// <c>JsonSerializer.Serialize(settings)</c> is not enough to store settings: it omits <see cref="ByokCredentialSettings.SecretAccessKey"/> and
/// <see cref="ByokCredentialSettings.ExternalId"/>. This class writes both, each as the text that the host's protector returns, under the names
/// <c>ProtectedSecretAccessKey</c> and <c>ProtectedExternalId</c>. The rest of the JSON is readable.
/// </para>
/// <para>
/// <c>IDataProtector</c> of ASP.NET Core fits: <c>ByokKeySettingsJson.Serialize(settings, protector.Protect)</c>. Use a protector with the tenant among its
/// purposes, so that the stored settings of one tenant are of no use in the row of another. Unknown members are ignored when JSON is read, so that an older version of the
/// library reads what a newer one has written.
/// </para>
/// </remarks>
public static class ByokKeySettingsJson
{
    /// <summary>Writes settings as JSON.</summary>
    /// <param name="settings">The settings; they are not validated.</param>
    /// <param name="protect">Encrypts a secret and returns text, as <c>IDataProtector.Protect</c> does.</param>
    /// <returns>The JSON, without any secret in clear.</returns>
    /// <exception cref="ArgumentNullException">An argument is null.</exception>
    /// <exception cref="InvalidOperationException"><paramref name="protect"/> returned nothing, or a text that contains the secret.</exception>
    /// <remarks>What <paramref name="protect"/> throws passes through unchanged.</remarks>
    public static string Serialize(ByokKeySettings settings, Func<string, string> protect)
    {
        ArgumentNullException.ThrowIfNull(settings);
        ArgumentNullException.ThrowIfNull(protect);
        return JsonSerializer.Serialize(StoredKeySettings.From(settings, protect), StoredKeySettingsContext.Default.StoredKeySettings);
    }

    /// <summary>Reads settings that <see cref="Serialize"/> has written.</summary>
    /// <param name="json">The JSON.</param>
    /// <param name="unprotect">Decrypts a secret, as <c>IDataProtector.Unprotect</c> does.</param>
    /// <returns>The settings; they are not validated.</returns>
    /// <exception cref="ArgumentNullException">An argument is null.</exception>
    /// <exception cref="JsonException">The text is not JSON of key settings, or has a secret in clear.</exception>
    /// <remarks>What <paramref name="unprotect"/> throws passes through unchanged.</remarks>
    public static ByokKeySettings Deserialize(string json, Func<string, string> unprotect)
    {
        ArgumentNullException.ThrowIfNull(json);
        ArgumentNullException.ThrowIfNull(unprotect);
        var stored = JsonSerializer.Deserialize(json, StoredKeySettingsContext.Default.StoredKeySettings)
            ?? throw new JsonException("The JSON is null; expected key settings.");
        return stored.ToSettings(unprotect);
    }
}
