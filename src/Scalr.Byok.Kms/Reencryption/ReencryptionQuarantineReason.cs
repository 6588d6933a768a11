namespace Scalr.Byok.Kms;

/// <summary>Why an item was left as it is.</summary>
public enum ReencryptionQuarantineReason
{
    /// <summary>Not known to this version of the library.</summary>
    Unknown = 0,

    /// <summary>
    /// The item is not authentic: it was changed or cut, or belongs to another key, encryption context or place, or does not have the
    /// stated form.
    /// </summary>
    NotAuthentic,

    /// <summary>Neither <c>from</c> nor <c>to</c> is a key for the form of the item.</summary>
    NoKey,

    /// <summary>The message contains a data key, which has to stay one. Re-encrypt it by the key ring.</summary>
    EncryptedDataKey,

    /// <summary>AWS denies or rejects this item, while it accepts others.</summary>
    DeniedByAws,

    /// <summary>The new message would be too long, or its encryption context is invalid.</summary>
    NotEncryptable,

    /// <summary>The new content did not decrypt to the same plaintext. The old content was kept.</summary>
    NotVerified,
}
