using System.Text.Json.Serialization;

namespace Scalr.Byok.Kms;

/// <summary>The subject of a step of a verification, in the order of the steps.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<ByokVerificationCheck>))]
public enum ByokVerificationCheck
{
    /// <summary>No check. The library never reports this value; it is the default value of the type.</summary>
    Unknown,

    /// <summary>The key ARN is valid.</summary>
    KeyArn,

    /// <summary>The key's Region is among <see cref="ByokOptions.AllowedRegions"/>.</summary>
    AllowedRegion,

    /// <summary>All other settings are complete and valid.</summary>
    Settings,

    /// <summary>
    /// No key and no role is registered for another tenant. Only if the host has <see cref="IByokTenantRegistrations"/>, and
    /// <see cref="ByokOptions.AllowSharedKeys"/> is false.
    /// </summary>
    Registration,

    /// <summary>The credentials can be obtained. With a role: AWS STS lets the host assume it.</summary>
    Credentials,

    /// <summary>
    /// The role's trust policy rejects others: a caller without the external ID, or a token of another subject. Only with a role.
    /// </summary>
    RoleTrust,

    /// <summary>kms:DescribeKey is allowed, and its answer shows no problem.</summary>
    DescribeKey,

    /// <summary>kms:Encrypt encrypts a random value, with the encryption context of <see cref="ByokVerificationOptions"/>.</summary>
    Encrypt,

    /// <summary>kms:Decrypt returns the same value.</summary>
    Decrypt,

    /// <summary>
    /// The replica in one Region of <see cref="ByokKeySettings.ReplicaRegions"/> also decrypts that value, and encrypts. One step per
    /// Region.
    /// </summary>
    Replica,

    /// <summary>
    /// A key of <see cref="ByokKeySettings.PreviousKeys"/> is accessible and usable, as kms:DescribeKey reports. One step per key.
    /// </summary>
    PreviousKey,
}
