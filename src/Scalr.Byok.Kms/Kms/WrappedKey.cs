namespace Scalr.Byok.Kms.Kms;

/// <summary>A data key that AWS KMS has wrapped.</summary>
/// <param name="Arn">The key that it is wrapped under, in the Region that did it.</param>
/// <param name="Blob">The ciphertext blob.</param>
internal sealed record WrappedKey(KmsKeyArn Arn, byte[] Blob);
