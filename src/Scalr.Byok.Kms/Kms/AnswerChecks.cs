using Amazon.KeyManagementService.Model;
using Scalr.Byok.Kms.Diagnostics;
using Scalr.Byok.Kms.Errors;

namespace Scalr.Byok.Kms.Kms;

/// <summary>Whether what AWS KMS answered can be used. If not, the attempt has failed as if it had not answered: a proxy that says 200 to everything is an outage.</summary>
/// <remarks>The AWS SDK does not compare: an answer for another key could carry anything.</remarks>
internal static class AnswerChecks
{
    /// <summary>The longest encrypted data key, in bytes, that kms:Decrypt accepts (API reference). No result is longer.</summary>
    public const int LongestBlob = 6144;

    /// <param name="key">The key that was asked.</param>
    /// <param name="keyId">The key that answers.</param>
    /// <param name="result">What it brought; erased if it cannot be used.</param>
    /// <param name="action">What was asked.</param>
    /// <exception cref="ByokServiceException">It cannot be used.</exception>
    public static void EnsureUsable(KmsKeyArn key, string? keyId, MemoryStream? result, string action)
    {
        try
        {
            EnsureUsable(key, keyId, isWhole: result is { Length: > 0 }, action);
            if (action == AwsAction.Encrypt && result!.Length > LongestBlob)
            {
                throw Unusable(key, action, "with a ciphertext that it would not decrypt: it is too long");
            }
        }
        catch
        {
            new ErasedStream(result).Dispose();
            throw;
        }
    }

    /// <summary>An answer about the key, complete or not: what it lacks is a finding of the probe (<see cref="KeyExamination"/>).</summary>
    /// <param name="key">The key that was asked.</param>
    /// <param name="metadata">What is told of it.</param>
    /// <exception cref="ByokServiceException">It tells nothing, or of another key.</exception>
    public static void EnsureUsable(KmsKeyArn key, KeyMetadata? metadata) =>
        EnsureUsable(key, string.IsNullOrEmpty(metadata?.Arn) ? key.ToString() : metadata.Arn, isWhole: metadata is not null, AwsAction.DescribeKey);

    private static void EnsureUsable(KmsKeyArn key, string? keyId, bool isWhole, string action)
    {
        if (!string.IsNullOrEmpty(keyId) && keyId != key.ToString())
        {
            throw new ByokServiceException($"AWS KMS answered {action} for another key than {key}. The answer was not used.", isTransient: false)
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

    private static ByokServiceException Unusable(KmsKeyArn key, string action, string what) => new($"AWS KMS answered {action} for the key {key} {what}. Try again later.")
    {
        Operation = action,
        Region = key.Region,
        Trouble = ServiceTrouble.Outage,
    };
}
