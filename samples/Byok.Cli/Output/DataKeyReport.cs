using Scalr.Byok.Kms;

namespace Byok.Cli.Output;

/// <summary>An encrypted data key of a message, as JSON.</summary>
/// <param name="ProviderId">The key provider.</param>
/// <param name="KeyArn">The KMS key; null for another key provider.</param>
/// <param name="ProviderInfo">The key provider's name of the wrapping key, in Base64 because it is not always text.</param>
/// <param name="Ciphertext">For <c>aws kms decrypt</c>, in base64.</param>
internal sealed record DataKeyReport(string ProviderId, KmsKeyArn? KeyArn, string ProviderInfo, string Ciphertext)
{
    public static DataKeyReport Of(ByokEncryptedDataKey key) =>
        new(key.ProviderId, key.KeyArn, Convert.ToBase64String(key.ProviderInfo.Span), Convert.ToBase64String(key.Ciphertext.Span));
}
