using System.Text.Json.Serialization;

namespace Scalr.Byok.Kms;

/// <summary>How the host gets at a customer's key: what the customer typed, by credentials type.</summary>
/// <remarks>
/// Each type needs exactly its own fields; a field that belongs to another type is a complaint, not ignored.
/// <see cref="SecretAccessKey"/> and <see cref="ExternalId"/> appear in no <see cref="ToString"/> and are read from JSON but never written to it:
/// a host that stores these settings uses <see cref="ByokKeySettingsJson"/>, which writes the two encrypted by the host.
/// </remarks>
public sealed class ByokCredentialSettings
{
    /// <summary>The type that uses an IAM user's access key as it is: <see cref="AccessKeyId"/> and <see cref="SecretAccessKey"/>.</summary>
    public const string AccessKeysType = "AccessKeys";

    /// <summary>The type that assumes a role with an external ID: <see cref="RoleArn"/> and <see cref="ExternalId"/>.</summary>
    public const string AssumeRoleType = "AssumeRole";

    /// <summary>The type that assumes a role with an OIDC token: <see cref="RoleArn"/> and <see cref="Audience"/>.</summary>
    public const string OidcType = "Oidc";

    /// <summary>The credentials type: <c>AccessKeys</c>, <c>AssumeRole</c>, <c>Oidc</c> or that of an added <see cref="IByokCredentialStrategy"/>; case does not matter.</summary>
    public string? Type { get; set; }

    /// <summary>The IAM user's access key ID (AccessKeys).</summary>
    public string? AccessKeyId { get; set; }

    /// <summary>The IAM user's secret access key (AccessKeys). A secret.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWriting)]
    public string? SecretAccessKey { get; set; }

    /// <summary>The ARN of the role in the customer's account (AssumeRole and Oidc).</summary>
    public string? RoleArn { get; set; }

    /// <summary>The external ID that the role's trust policy demands (AssumeRole); 2 to 1224 characters. Treated as a secret.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWriting)]
    public string? ExternalId { get; set; }

    /// <summary>The audience (<c>aud</c>) of the token, as registered with the customer's OIDC identity provider (Oidc).</summary>
    public string? Audience { get; set; }

    /// <summary>Settings that use an IAM user's access key as it is.</summary>
    public static ByokCredentialSettings AccessKeys(string accessKeyId, string secretAccessKey) =>
        new() { Type = AccessKeysType, AccessKeyId = accessKeyId, SecretAccessKey = secretAccessKey };

    /// <summary>Settings that assume a role with an external ID, called by the host's own AWS identity.</summary>
    public static ByokCredentialSettings AssumeRole(string roleArn, string externalId) =>
        new() { Type = AssumeRoleType, RoleArn = roleArn, ExternalId = externalId };

    /// <summary>Settings that assume a role with a token of the host's OpenID Connect issuer.</summary>
    public static ByokCredentialSettings Oidc(string roleArn, string audience) =>
        new() { Type = OidcType, RoleArn = roleArn, Audience = audience };

    /// <summary>The credentials type and nothing else.</summary>
    public override string ToString() => Type ?? "(no credentials type)";
}
