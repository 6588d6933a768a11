using System.ComponentModel;
using System.Text.Json.Serialization;

namespace Scalr.Byok.Kms;

/// <summary>
/// An access key of the host's own AWS account. Leave it empty if the host runs on a role: the AWS SDK's default chain finds the role.
/// </summary>
public sealed class ByokHostIdentity
{
    /// <summary>The access key ID.</summary>
    public string? AccessKeyId { get; set; }

    /// <summary>The secret access key. A secret.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWriting)]
    public string? SecretAccessKey { get; set; }

    /// <summary>The session token of a temporary access key. A secret.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWriting)]
    public string? SessionToken { get; set; }

    /// <summary>Always false: keeps Newtonsoft.Json from writing <see cref="SecretAccessKey"/>. It can be read.</summary>
    [EditorBrowsable(EditorBrowsableState.Never)]
    public static bool ShouldSerializeSecretAccessKey() => false;

    /// <summary>Always false: keeps Newtonsoft.Json from writing <see cref="SessionToken"/>. It can be read.</summary>
    [EditorBrowsable(EditorBrowsableState.Never)]
    public static bool ShouldSerializeSessionToken() => false;

    /// <summary>Whether an access key is set, without any secret.</summary>
    public override string ToString() => AccessKeyId is null ? "default credentials chain" : "access key";
}
