using Scalr.Byok.Kms.Diagnostics;

namespace Scalr.Byok.Kms.Errors;

/// <summary>The description and the remedy of each reason, written for the customer who owns the key.</summary>
internal static class Remedies
{
    /// <summary>
    /// The start of a sentence about denied requests with an encryption context. The values of the context are never quoted.
    /// </summary>
    public const string ContextConditions = "If a policy has kms:EncryptionContext conditions, they must allow";

    /// <summary>Why the key ARN may be the cause of a denial.</summary>
    public const string MistypedArn = "AWS KMS denies access to a mistyped one with the same message.";

    public static (string Happened, string Remedy) For(ByokKeyUnavailableReason reason, KmsKeyArn key, string operation) => reason switch
    {
        ByokKeyUnavailableReason.Unknown => (
            "The key cannot be used; the reason is not known.",
            $"Find the {operation} request in AWS CloudTrail."),
        ByokKeyUnavailableReason.KeyDisabled => (
            "The key is disabled.",
            "Enable the key in AWS KMS."),
        ByokKeyUnavailableReason.KeyPendingDeletion => (
            "The key is scheduled for deletion.",
            "Cancel the deletion in AWS KMS and enable the key; once it is deleted, data encrypted under it is lost."),
        ByokKeyUnavailableReason.KeyNotFound => (
            "The key does not exist.",
            $"Check the key ARN: account {key.AccountId} has no such key in Region {key.Region}."),
        ByokKeyUnavailableReason.KeyMaterialMissing => (
            "The key has no key material.",
            "Import the same key material into the key again."),
        ByokKeyUnavailableReason.KeyStoreUnavailable => (
            "The custom key store that holds the key is not connected.",
            "Connect the custom key store in AWS KMS."),
        ByokKeyUnavailableReason.KeyStateInvalid => (
            "The key's state allows no encryption or decryption.",
            "Check the key's state in AWS KMS and change it to Enabled."),
        ByokKeyUnavailableReason.UnsupportedKeySpec => (
            "The key is not symmetric.",
            "Create a symmetric key (key spec SYMMETRIC_DEFAULT) and give its ARN."),
        ByokKeyUnavailableReason.UnsupportedKeyUsage => (
            "The key cannot be used to encrypt and decrypt.",
            "Create a symmetric key whose usage is ENCRYPT_DECRYPT and give its ARN."),
        ByokKeyUnavailableReason.WrongRegion => (
            "The key was requested in a Region that it does not belong to.",
            $"Check the Region in the key ARN: it says {key.Region}."),
        ByokKeyUnavailableReason.AccessDenied => (
            $"Access denied: {operation} on the key is not allowed.",
            $"Check the key ARN first: {MistypedArn} If it is right, allow {operation} on {key} in the IAM policy of the user or "
            + $"role, and do not deny it in the key policy. If the user or role is not in account {key.AccountId}, the key policy must "
            + "allow it too, by a statement with Effect \"Allow\", "
            + "Principal { \"AWS\": \"(ARN of the user or role)\" }, Action [ \"kms:Encrypt\", \"kms:Decrypt\", \"kms:DescribeKey\" ] "
                + "and Resource \"*\"."
            + (HasEncryptionContext(operation) ? $" {ContextConditions} the encryption context of the request." : "")),
        ByokKeyUnavailableReason.CredentialsRejected => (
            "AWS does not accept the access key.",
            "Check that the access key ID and the secret access key belong together and that the access key is active."),
        ByokKeyUnavailableReason.RoleNotAssumable => (
            "AWS STS does not let the host assume the role.",
            "Check the role ARN and the role's trust policy: its principal, and the external ID or the token's audience and subject "
            + "that it demands. AWS STS denies a mistyped role ARN with the same message."),
        ByokKeyUnavailableReason.TokenRejected => (
            "AWS STS does not accept the OIDC token.",
            "Check the OIDC identity provider in the AWS account: its URL must be the host's issuer and its client IDs must include the "
            + "audience."),
        ByokKeyUnavailableReason.RegionDisabled => (
            $"AWS STS is not activated in Region {key.Region} of the account.",
            $"Activate AWS STS for Region {key.Region} in the IAM account settings."),
        ByokKeyUnavailableReason.SessionPolicyTooLarge => (
            "The session policy, which allows only the use of the customer's keys, exceeds the size limit of AWS STS.",
            "This is for the host's operator: give the host's own session fewer tags and policies, or turn off RestrictSessions."),
        _ => throw new ArgumentOutOfRangeException(nameof(reason), reason, "Unknown reason."),
    };

    /// <summary>Whether the requests of an action have an encryption context, which policies can have conditions on.</summary>
    public static bool HasEncryptionContext(string? operation) => operation is AwsAction.Encrypt or AwsAction.Decrypt;
}
