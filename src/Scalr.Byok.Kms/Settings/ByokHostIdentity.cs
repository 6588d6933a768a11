using System.Text.Json.Serialization;

namespace Scalr.Byok.Kms;

/// <summary>An access key of the host's own AWS account. Prefer to leave it empty and run on a role, which the AWS SDK's default chain finds.</summary>
public sealed class ByokHostIdentity
{
    /// <summary>The access key ID.</summary>
    public string? AccessKeyId { get; set; }

    /// <summary>The secret access key. A secret.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWriting)]
    public string? SecretAccessKey { get; set; }

    /// <summary>The session token, if the access key is a temporary one. A secret.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWriting)]
    public string? SessionToken { get; set; }

    /// <summary>Whether an access key is given at all.</summary>
    public override string ToString() => AccessKeyId is null ? "default credentials chain" : "access key";
}
