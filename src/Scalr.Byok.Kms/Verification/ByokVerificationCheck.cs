namespace Scalr.Byok.Kms;

/// <summary>What a step of a verification looks at, in the order of the steps.</summary>
public enum ByokVerificationCheck
{
    /// <summary>The key ARN is one.</summary>
    KeyArn,

    /// <summary>The key's Region is among <see cref="ByokOptions.AllowedRegions"/>.</summary>
    AllowedRegion,

    /// <summary>Everything else in the settings is complete and well-formed.</summary>
    Settings,

    /// <summary>The credentials can be obtained: AWS STS lets the host assume the role, where there is one.</summary>
    Credentials,

    /// <summary>
    /// The role's trust policy does not admit strangers: nobody without the external ID, no token of another subject. Only where there is a role.
    /// </summary>
    RoleTrust,

    /// <summary>kms:DescribeKey is allowed, and what it tells about the key is good.</summary>
    DescribeKey,

    /// <summary>kms:Encrypt wraps a random value, with the encryption context of <see cref="ByokVerificationOptions"/>.</summary>
    Encrypt,

    /// <summary>kms:Decrypt gives the same value back.</summary>
    Decrypt,

    /// <summary>
    /// The replica in one Region of <see cref="ByokKeySettings.ReplicaRegions"/> decrypts that value, too, and encrypts. One step for each Region.
    /// </summary>
    Replica,

    /// <summary>
    /// A key of <see cref="ByokKeySettings.PreviousKeys"/> can be reached and is usable, as far as kms:DescribeKey tells. One step for each key.
    /// </summary>
    PreviousKey,
}
