namespace Scalr.Byok.Kms;

/// <summary>Why a customer's key cannot be used. Every reason is the customer's to mend; none is an outage of AWS.</summary>
public enum ByokKeyUnavailableReason
{
    /// <summary>The KMS key is disabled.</summary>
    KeyDisabled,

    /// <summary>The KMS key is scheduled for deletion.</summary>
    KeyPendingDeletion,

    /// <summary>No such KMS key exists in that account and Region.</summary>
    KeyNotFound,

    /// <summary>The KMS key has no key material: it was never imported, was deleted or has expired.</summary>
    KeyMaterialMissing,

    /// <summary>The custom key store that holds the KMS key is not connected.</summary>
    KeyStoreUnavailable,

    /// <summary>The KMS key is in a state that allows no cryptographic operation, for example while it is being created.</summary>
    KeyStateInvalid,

    /// <summary>The KMS key is not symmetric (key spec SYMMETRIC_DEFAULT).</summary>
    WrongKeyType,

    /// <summary>The KMS key's usage is not ENCRYPT_DECRYPT.</summary>
    WrongKeyUsage,

    /// <summary>The KMS key was looked for in a Region it does not belong to.</summary>
    WrongRegion,

    /// <summary>A policy does not allow the action; <see cref="ByokKeyUnavailableException.Operation"/> names it.</summary>
    AccessDenied,

    /// <summary>AWS does not accept the access key: unknown access key ID, wrong secret access key, or inactive.</summary>
    CredentialsRejected,

    /// <summary>AWS STS refuses the role: its trust policy does not admit the host, the external ID differs, or the role does not exist.</summary>
    RoleNotAssumable,

    /// <summary>AWS STS refuses the OIDC token: expired, or its issuer, audience or signature is not accepted.</summary>
    TokenRejected,

    /// <summary>AWS STS is not activated in that Region of the customer's account.</summary>
    RegionDisabled,

    /// <summary>AWS STS finds the session policy too large, although it names nothing but the key: the host's own session leaves too little room.</summary>
    SessionPolicyTooLarge,
}
