using Amazon.KeyManagementService.Model;
using Scalr.Byok.Kms.Diagnostics;
using Scalr.Byok.Kms.Errors;

namespace Scalr.Byok.Kms.Kms;

/// <summary>
/// Checks that an answer of AWS KMS can be used. An unusable answer counts as no answer: a proxy that answers 200 to everything is an
/// outage.
/// </summary>
/// <remarks>The AWS SDK does not compare the key id. Without this check, an answer for another key would be accepted.</remarks>
internal static class AnswerChecks
{
    /// <summary>The longest encrypted data key, in bytes, that kms:Decrypt accepts (API reference). No result is longer.</summary>
    public const int LongestBlob = 6144;

    /// <param name="key">The requested key.</param>
    /// <param name="keyId">The key of the answer.</param>
    /// <param name="result">The ciphertext or plaintext of the answer; erased if it cannot be used.</param>
    /// <param name="action">The requested action.</param>
    /// <exception cref="ByokServiceException">The answer cannot be used.</exception>
    public static void EnsureUsable(KmsKeyArn key, string? keyId, MemoryStream? result, string action)
    {
        try
        {
            EnsureUsable(key, keyId, isWhole: result is { Length: > 0 }, action);

            // A message with a longer ciphertext could be stored, but never be decrypted.
            if (action == AwsAction.Encrypt && result!.Length > LongestBlob)
            {
                throw Unusable(key, action, "with a ciphertext that it would not decrypt: it is too long");
            }
        }
        catch
        {
            // The answer goes to no caller, so a plaintext in it is erased here.
            new ErasedStream(result).Dispose();
            throw;
        }
    }

    /// <summary>
    /// Checks a description of a key. Missing fields are findings of the probe (<see cref="KeyExamination"/>), not errors.
    /// </summary>
    /// <param name="key">The requested key.</param>
    /// <param name="metadata">The description.</param>
    /// <exception cref="ByokServiceException">The answer has no description, or that of another key.</exception>
    public static void EnsureUsable(KmsKeyArn key, KeyMetadata? metadata) =>
        EnsureUsable(
            // A description without an ARN is taken for the requested key: kms:DescribeKey establishes no fact.
            key, string.IsNullOrEmpty(metadata?.Arn) ? key.ToString() : metadata.Arn, isWhole: metadata is not null, AwsAction.DescribeKey);

    private static void EnsureUsable(KmsKeyArn key, string? keyId, bool isWhole, string action)
    {
        // Trust boundary: an answer that belongs to another request must not become an acceptance of this key, nor a data key of this
        // customer.
        if (!string.IsNullOrEmpty(keyId) && keyId != key.ToString())
        {
            throw new ByokServiceException(
                $"AWS KMS answered {action} for another key than {key}. The answer was not used.", isTransient: false)
            {
                Operation = action,
                Region = key.Region,
            };
        }

        if (string.IsNullOrEmpty(keyId) || !isWhole)
        {
            throw Unusable(key, action, "without a result");
        }
    }

    private static ByokServiceException Unusable(KmsKeyArn key, string action, string what) =>
        new($"AWS KMS answered {action} for the key {key} {what}. Try again later.")
        {
            Operation = action,
            Region = key.Region,
            FailureKind = ServiceFailureKind.Outage,
        };
}
