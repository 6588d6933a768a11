using System.ComponentModel;
using System.Text.Json.Serialization;

namespace Scalr.Byok.Kms;

/// <summary>The credentials for a customer's key: the fields that the customer typed, by credentials type.</summary>
/// <remarks>
/// Each type needs exactly its own fields; a field of another type is a validation error. <see cref="SecretAccessKey"/> and
/// <see cref="ExternalId"/> are in no <see cref="ToString"/>. They are read from JSON but not written to it: to store these settings, use
/// <see cref="ByokKeySettingsJson"/>, which writes both encrypted by the host.
/// </remarks>
public sealed class ByokCredentialSettings
{
    /// <summary>The type that uses an IAM user's access key: <see cref="AccessKeyId"/> and <see cref="SecretAccessKey"/>.</summary>
    public const string AccessKeysType = "AccessKeys";

    /// <summary>The type that assumes a role with an external ID: <see cref="RoleArn"/> and <see cref="ExternalId"/>.</summary>
    public const string AssumeRoleType = "AssumeRole";

    /// <summary>The type that assumes a role with an OIDC token: <see cref="RoleArn"/> and <see cref="Audience"/>.</summary>
    public const string OidcType = "Oidc";

    /// <summary>
    /// The type that uses the host's own AWS identity. Accepted by <c>AddPlatformKey</c> only: in any other settings it is a validation
    /// error. It has no fields.
    /// </summary>
    public const string HostType = "Host";

    /// <summary>
    /// The credentials type: <c>AccessKeys</c>, <c>AssumeRole</c>, <c>Oidc</c>, or that of an added <see cref="IByokCredentialStrategy"/>.
    /// Not case-sensitive.
    /// </summary>
    public string? Type { get; set; }

    /// <summary>The IAM user's access key ID (AccessKeys).</summary>
    public string? AccessKeyId { get; set; }

    /// <summary>The IAM user's secret access key (AccessKeys). A secret.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWriting)]
    public string? SecretAccessKey { get; set; }

    /// <summary>The ARN of the role in the customer's account (AssumeRole and Oidc).</summary>
    public string? RoleArn { get; set; }

    /// <summary>The external ID that the role's trust policy requires (AssumeRole): 2 to 1,224 characters. Treated as a secret.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWriting)]
    public string? ExternalId { get; set; }

    /// <summary>The audience (<c>aud</c>) of the token, as registered with the customer's OIDC identity provider (Oidc).</summary>
    public string? Audience { get; set; }

    /// <summary>Creates settings that use an IAM user's access key.</summary>
    public static ByokCredentialSettings AccessKeys(string accessKeyId, string secretAccessKey) =>
        new() { Type = AccessKeysType, AccessKeyId = accessKeyId, SecretAccessKey = secretAccessKey };

    /// <summary>Creates settings that assume a role with an external ID, called by the host's own AWS identity.</summary>
    public static ByokCredentialSettings AssumeRole(string roleArn, string externalId) =>
        new() { Type = AssumeRoleType, RoleArn = roleArn, ExternalId = externalId };

    /// <summary>Creates settings that assume a role with a token of the host's OpenID Connect issuer.</summary>
    public static ByokCredentialSettings Oidc(string roleArn, string audience) =>
        new() { Type = OidcType, RoleArn = roleArn, Audience = audience };

    /// <summary>Creates settings that use the host's own AWS identity. Accepted by <c>AddPlatformKey</c> only.</summary>
    public static ByokCredentialSettings Host() => new() { Type = HostType };

    /// <summary>Always false: keeps Newtonsoft.Json from writing <see cref="SecretAccessKey"/>. It can be read.</summary>
    [EditorBrowsable(EditorBrowsableState.Never)]
    public static bool ShouldSerializeSecretAccessKey() => false;

    /// <summary>Always false: keeps Newtonsoft.Json from writing <see cref="ExternalId"/>. It can be read.</summary>
    [EditorBrowsable(EditorBrowsableState.Never)]
    public static bool ShouldSerializeExternalId() => false;

    /// <summary>The credentials type only.</summary>
    public override string ToString() => Type ?? "(no credentials type)";
}
