namespace Scalr.Byok.Kms;

/// <summary>The state of a KMS key as kms:DescribeKey tells it ("Key states of AWS KMS keys" in the AWS KMS Developer Guide).</summary>
public enum KmsKeyState
{
    /// <summary>Not known: kms:DescribeKey was not answered, or with a state that this library does not know.</summary>
    Unknown,

    /// <summary>Ready for use.</summary>
    Enabled,

    /// <summary>Switched off by its owner.</summary>
    Disabled,

    /// <summary>Scheduled for deletion; no longer usable.</summary>
    PendingDeletion,

    /// <summary>A multi-Region primary key scheduled for deletion, which waits for its replicas to go first; no longer usable.</summary>
    PendingReplicaDeletion,

    /// <summary>Without key material: never imported, deleted or expired.</summary>
    PendingImport,

    /// <summary>In a custom key store that is not connected.</summary>
    Unavailable,

    /// <summary>Being created, as a new replica is at first; not usable yet.</summary>
    Creating,

    /// <summary>A multi-Region key whose primary Region is being changed; usable.</summary>
    Updating,
}
