using Scalr.Byok.Kms.Diagnostics;

namespace Scalr.Byok.Kms.Errors;

/// <summary>What happened and what to do next, in one sentence each, for every reason; written for the customer who owns the key.</summary>
internal static class Remedies
{
    /// <summary>The beginning of a sentence for denied requests with an encryption context; its values are never quoted.</summary>
    public const string ContextConditions = "If a policy has kms:EncryptionContext conditions, they must admit";

    public static (string Happened, string Remedy) For(ByokKeyUnavailableReason reason, KmsKeyArn key, string operation) => reason switch
    {
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
            "Look at the key's state in AWS KMS and bring it to Enabled."),
        ByokKeyUnavailableReason.WrongKeyType => (
            "The key is not symmetric.",
            "Create a symmetric key (key spec SYMMETRIC_DEFAULT) and give its ARN."),
        ByokKeyUnavailableReason.WrongKeyUsage => (
            "The key cannot be used to encrypt and decrypt.",
            "Create a symmetric key whose usage is ENCRYPT_DECRYPT and give its ARN."),
        ByokKeyUnavailableReason.WrongRegion => (
            "The key was looked for in a Region it does not belong to.",
            $"Check the Region in the key ARN: it says {key.Region}."),
        ByokKeyUnavailableReason.AccessDenied => (
            $"Access denied: {operation} on the key is not allowed.",
            $"Allow {operation} on {key} in the IAM policy of the user or role, and do not deny it in the key policy. Check the key ARN as well: AWS KMS denies access to a "
            + $"mistyped one in the same words. If the user or role is not in account {key.AccountId}, the key policy must allow it too, by a statement with Effect \"Allow\", "
            + "Principal { \"AWS\": \"(ARN of the user or role)\" }, Action [ \"kms:Encrypt\", \"kms:Decrypt\", \"kms:DescribeKey\" ] and Resource \"*\"."
            + (HasEncryptionContext(operation) ? $" {ContextConditions} the encryption context of the request." : "")),
        ByokKeyUnavailableReason.CredentialsRejected => (
            "AWS does not accept the access key.",
            "Check that the access key ID and the secret access key belong together and that the access key is active."),
        ByokKeyUnavailableReason.RoleNotAssumable => (
            "AWS STS does not let the host assume the role.",
            "Check the role ARN and the role's trust policy: its principal, and the external ID or the token's audience and subject that it demands. AWS STS denies a mistyped role ARN in the same words."),
        ByokKeyUnavailableReason.TokenRejected => (
            "AWS STS does not accept the OIDC token.",
            "Check the OIDC identity provider in the AWS account: its URL must be the host's issuer and its client IDs must include the audience. "
            + "If both are right, the host's token is at fault: it has expired, or is signed with a key that its issuer does not publish."),
        ByokKeyUnavailableReason.RegionDisabled => (
            $"AWS STS is not activated in Region {key.Region} of the account.",
            $"Activate AWS STS for Region {key.Region} in the IAM account settings."),
        ByokKeyUnavailableReason.SessionPolicyTooLarge => (
            "AWS STS finds the session policy too large, which allows the use of the customer's keys and nothing else.",
            "This is for the host's operator: give the host's own session fewer tags and policies, or turn off RestrictSessions."),
        _ => throw new ArgumentOutOfRangeException(nameof(reason), reason, "Not a reason this library knows."),
    };

    /// <summary>Whether the requests of an action have an encryption context, which policies can have conditions on.</summary>
    public static bool HasEncryptionContext(string? operation) => operation is AwsAction.Encrypt or AwsAction.Decrypt;
}
