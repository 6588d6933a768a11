using System.Text.Json.Serialization;

namespace Scalr.Byok.Kms;

/// <summary>The state of a KMS key, as kms:DescribeKey reports it ("Key states of AWS KMS keys" in the AWS KMS Developer Guide).</summary>
[JsonConverter(typeof(JsonStringEnumConverter<KmsKeyState>))]
public enum KmsKeyState
{
    /// <summary>Unknown: no answer to kms:DescribeKey, or a state that this version of the library does not know.</summary>
    Unknown,

    /// <summary>The key can be used.</summary>
    Enabled,

    /// <summary>The key is disabled.</summary>
    Disabled,

    /// <summary>The key is scheduled for deletion and cannot be used.</summary>
    PendingDeletion,

    /// <summary>
    /// A multi-Region primary key is scheduled for deletion and waits for the deletion of its replicas. It cannot be used.
    /// </summary>
    PendingReplicaDeletion,

    /// <summary>The key has no key material: it was never imported, was deleted or has expired.</summary>
    PendingImport,

    /// <summary>The custom key store of the key is not connected.</summary>
    Unavailable,

    /// <summary>The key is being created, as a new replica is at first. It cannot be used yet.</summary>
    Creating,

    /// <summary>The primary Region of a multi-Region key is being changed. The key can be used.</summary>
    Updating,
}
