using Scalr.Byok.Kms.DataKeys;

namespace Scalr.Byok.Kms;

/// <summary>
/// One copy of a message's data key in the header, encrypted under one wrapping key. <b>Not authenticated,</b> like the whole
/// <see cref="UnauthenticatedHeader"/>. Contains no plaintext: only the key provider can decrypt it.
/// </summary>
/// <example>
/// The owner of the KMS key can decrypt it without this library. Write the ciphertext to a file:
/// <code>
/// ByokEncryptedDataKey dataKey = ByokMessage.Read(message).EncryptedDataKeys[0];
/// File.WriteAllBytes("data-key.bin", dataKey.Ciphertext.ToArray());
/// </code>
/// Then call AWS KMS with the encryption context of the message:
/// <code>
/// aws kms decrypt --ciphertext-blob fileb://data-key.bin --key-id KEY_ARN --encryption-context account=acme
/// </code>
/// </example>
public sealed class ByokEncryptedDataKey
{
    internal ByokEncryptedDataKey(EncryptedDataKey key)
    {
        ProviderId = key.ProviderId;
        ProviderInfo = key.ProviderInfo.ToArray();
        Ciphertext = key.Ciphertext.ToArray();
        KeyArn = key.TryGetKeyArn(out var arn) ? arn : null;
    }

    /// <summary>The key provider: <c>aws-kms</c> for AWS KMS.</summary>
    public string ProviderId { get; }

    /// <summary>The information by which the key provider finds its wrapping key; for AWS KMS the ARN of the KMS key as UTF-8.</summary>
    public ReadOnlyMemory<byte> ProviderInfo { get; }

    /// <summary>The encrypted data key; for AWS KMS the <c>CiphertextBlob</c> for <c>aws kms decrypt</c>.</summary>
    public ReadOnlyMemory<byte> Ciphertext { get; }

    /// <summary>
    /// The KMS key that the header names; null for another key provider, or if the provider info is not the ARN of a key.
    /// </summary>
    public KmsKeyArn? KeyArn { get; }
}
