namespace Scalr.Byok.Kms;

/// <summary>The codes of findings that are no <see cref="ByokKeyUnavailableReason"/>. For those, the code is the reason's name.</summary>
public static class ByokKeyFindingCode
{
    /// <summary>Warning: kms:DescribeKey is not allowed, so problems are not found before they occur.</summary>
    public const string DescribeKeyDenied = nameof(DescribeKeyDenied);

    /// <summary>Warning: the answer to kms:DescribeKey lacks the ARN, state, key spec or key usage. AWS always sends them.</summary>
    public const string DescriptionIncomplete = nameof(DescriptionIncomplete);

    /// <summary>Warning: the key is in a state that this version of the library does not know.</summary>
    public const string KeyStateUnknown = nameof(KeyStateUnknown);

    /// <summary>The imported key material expires. Warning from 30 days before the expiry, information earlier.</summary>
    public const string KeyMaterialExpires = nameof(KeyMaterialExpires);

    /// <summary>Warning: a Region of <see cref="ByokKeySettings.ReplicaRegions"/> has no replica of the key.</summary>
    public const string ReplicaMissing = nameof(ReplicaMissing);

    /// <summary>Warning: a replica cannot be used, for example because it is disabled or pending deletion.</summary>
    public const string ReplicaUnusable = nameof(ReplicaUnusable);

    /// <summary>Warning: the state of a replica is unknown, because it could not be queried.</summary>
    public const string ReplicaStateUnknown = nameof(ReplicaStateUnknown);

    /// <summary>Information: the key is a single-Region key. A multi-Region key can be replicated later.</summary>
    public const string SingleRegionKey = nameof(SingleRegionKey);

    /// <summary>
    /// Information: AWS KMS does not rotate the key material automatically, because AWS KMS did not create it. For other keys, the library
    /// does not report whether rotation is on: that needs kms:GetKeyRotationStatus, which customers do not grant.
    /// </summary>
    public const string AutomaticRotationUnsupported = nameof(AutomaticRotationUnsupported);

    /// <summary>Warning: the key is an AWS managed key, so the customer can neither disable nor delete it.</summary>
    public const string AwsManagedKey = nameof(AwsManagedKey);

    /// <summary>Information: AWS KMS is changing the key's primary Region. The key can be used.</summary>
    public const string KeyUpdating = nameof(KeyUpdating);

    /// <summary>Warning: AWS STS does not grant sessions of <see cref="ByokOptions.SessionDuration"/>, so sessions last 1 hour.</summary>
    public const string SessionShortened = nameof(SessionShortened);

    /// <summary>Error: AWS KMS or AWS STS is slow, throttles requests or cannot be reached.</summary>
    public const string ServiceUnavailable = nameof(ServiceUnavailable);

    /// <summary>
    /// Error: the host's own AWS identity, token provider, OIDC issuer or clock is the cause. Reported as soon as a session cannot be
    /// renewed for such a reason, even while the current session still serves calls.
    /// </summary>
    public const string HostAtFault = nameof(HostAtFault);
}
