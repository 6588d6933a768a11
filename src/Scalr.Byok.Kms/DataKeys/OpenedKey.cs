namespace Scalr.Byok.Kms.DataKeys;

/// <summary>A data key that a customer's key has unwrapped.</summary>
/// <param name="Key">The data key; whoever asked for it erases it.</param>
/// <param name="Owner">The customer's key.</param>
/// <param name="Encrypted">The wrapped form that was unwrapped.</param>
internal sealed record OpenedKey(DataKey Key, KmsKeyArn Owner, EncryptedDataKey Encrypted);
