using System.Text.Json;

namespace Scalr.Byok.Kms.Settings;

/// <summary>The JSON form of <see cref="ByokKeySettings"/> in a host's store.</summary>
internal sealed class StoredKeySettings
{
    public string? KeyArn { get; set; }

    public StoredCredentials? Credentials { get; set; }

    public string[]? ReplicaRegions { get; set; }

    public StoredKey?[]? PreviousKeys { get; set; }

    public static StoredKeySettings From(ByokKeySettings settings, Func<string, string> protect) => new()
    {
        KeyArn = settings.KeyArn,
        Credentials = StoredCredentials.From(settings.Credentials, protect),
        ReplicaRegions = [.. settings.ReplicaRegions ?? []],
        PreviousKeys = [.. (settings.PreviousKeys ?? []).Select(
            key => new StoredKey { KeyArn = key?.KeyArn, Credentials = StoredCredentials.From(key?.Credentials, protect) })],
    };

    public ByokKeySettings ToSettings(Func<string, string> unprotect) => new()
    {
        KeyArn = KeyArn,
        Credentials = Credentials?.ToSettings(unprotect) ?? new(),
        ReplicaRegions = [.. ReplicaRegions ?? []],
        PreviousKeys = [.. (PreviousKeys ?? []).Select(
            key => new ByokPreviousKeySettings { KeyArn = key?.KeyArn, Credentials = key?.Credentials?.ToSettings(unprotect) ?? new() })],
    };

    /// <summary>A previous key.</summary>
    internal sealed class StoredKey
    {
        public string? KeyArn { get; set; }

        public StoredCredentials? Credentials { get; set; }
    }

    /// <summary>Credentials, whose secrets are protected.</summary>
    internal sealed class StoredCredentials
    {
        /// <summary>A shorter secret may occur in an encrypted text by chance.</summary>
        private const int ShortestFound = 8;

        public string? Type { get; set; }

        public string? AccessKeyId { get; set; }

        public string? ProtectedSecretAccessKey { get; set; }

        public string? RoleArn { get; set; }

        public string? ProtectedExternalId { get; set; }

        public string? Audience { get; set; }

        /// <summary>Never written. Read only to be rejected.</summary>
        public string? SecretAccessKey { get; set; }

        /// <summary>Never written. Read only to be rejected.</summary>
        public string? ExternalId { get; set; }

        public static StoredCredentials? From(ByokCredentialSettings? credentials, Func<string, string> protect) =>
            credentials is null ? null : new()
            {
                Type = credentials.Type,
                AccessKeyId = credentials.AccessKeyId,
                ProtectedSecretAccessKey = Protect(credentials.SecretAccessKey, protect),
                RoleArn = credentials.RoleArn,
                ProtectedExternalId = Protect(credentials.ExternalId, protect),
                Audience = credentials.Audience,
            };

        public ByokCredentialSettings ToSettings(Func<string, string> unprotect)
        {
            if (SecretAccessKey is not null || ExternalId is not null)
            {
                throw new JsonException(
                    $"The JSON has {(SecretAccessKey is not null ? nameof(SecretAccessKey) : nameof(ExternalId))} unencrypted. Read it "
                    + "once with JsonSerializer.Deserialize<ByokKeySettings>, "
                    + $"and store it with {nameof(ByokKeySettingsJson)}.{nameof(ByokKeySettingsJson.Serialize)}.");
            }

            return new()
            {
                Type = Type,
                AccessKeyId = AccessKeyId,
                SecretAccessKey = Unprotect(ProtectedSecretAccessKey, unprotect),
                RoleArn = RoleArn,
                ExternalId = Unprotect(ProtectedExternalId, unprotect),
                Audience = Audience,
            };
        }

        private static string? Unprotect(string? text, Func<string, string> unprotect) =>
            string.IsNullOrEmpty(text) ? null
            : unprotect(text) is { Length: > 0 } secret ? secret
            : throw new InvalidOperationException("The protector returned nothing for a secret that is stored encrypted.");

        private static string? Protect(string? secret, Func<string, string> protect)
        {
            if (string.IsNullOrEmpty(secret))
            {
                return null; // a form sends an empty text for a field that the type does not have
            }

            var text = protect(secret);
            var isInClear = text == secret || (secret.Length >= ShortestFound && text?.Contains(secret, StringComparison.Ordinal) == true);
            return !string.IsNullOrEmpty(text) && !isInClear
                ? text
                : throw new InvalidOperationException(
                    "The protector did not encrypt a secret: it returned nothing, or a text that contains the secret. Nothing was "
                    + "written.");
        }
    }
}
