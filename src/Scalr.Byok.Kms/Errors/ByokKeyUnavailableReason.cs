using System.Text.Json.Serialization;

namespace Scalr.Byok.Kms;

/// <summary>
/// Why a customer's key cannot be used. The customer can correct each reason except <see cref="SessionPolicyTooLarge"/>, which the host's
/// operator corrects. None is an outage of AWS.
/// </summary>
[JsonConverter(typeof(JsonStringEnumConverter<ByokKeyUnavailableReason>))]
public enum ByokKeyUnavailableReason
{
    /// <summary>No reason was given. The library never reports this value; it is the default value of the type.</summary>
    Unknown,

    /// <summary>The KMS key is disabled.</summary>
    KeyDisabled,

    /// <summary>The KMS key is scheduled for deletion.</summary>
    KeyPendingDeletion,

    /// <summary>There is no such KMS key in that account and Region.</summary>
    KeyNotFound,

    /// <summary>The KMS key has no key material: it was never imported, was deleted or has expired.</summary>
    KeyMaterialMissing,

    /// <summary>The custom key store of the KMS key is not connected.</summary>
    KeyStoreUnavailable,

    /// <summary>The state of the KMS key allows no encryption or decryption, for example while the key is being created.</summary>
    KeyStateInvalid,

    /// <summary>The KMS key is not symmetric (its key spec is not SYMMETRIC_DEFAULT).</summary>
    UnsupportedKeySpec,

    /// <summary>The KMS key's usage is not ENCRYPT_DECRYPT.</summary>
    UnsupportedKeyUsage,

    /// <summary>The KMS key was requested in a Region that it does not belong to.</summary>
    WrongRegion,

    /// <summary>A policy does not allow the action; <see cref="ByokKeyUnavailableException.Operation"/> names it.</summary>
    AccessDenied,

    /// <summary>
    /// AWS does not accept the access key: the access key ID is unknown, the secret access key is wrong, or the key is inactive.
    /// </summary>
    CredentialsRejected,

    /// <summary>
    /// AWS STS denies the role: its trust policy does not allow the host, the external ID differs, or the role does not exist.
    /// </summary>
    RoleNotAssumable,

    /// <summary>AWS STS does not accept the issuer, the audience or the signature of the OIDC token.</summary>
    TokenRejected,

    /// <summary>AWS STS is not activated in that Region of the customer's account.</summary>
    RegionDisabled,

    /// <summary>
    /// The session policy exceeds AWS's size limit, although it names only one key: the host's own session leaves too little space.
    /// </summary>
    SessionPolicyTooLarge,
}
