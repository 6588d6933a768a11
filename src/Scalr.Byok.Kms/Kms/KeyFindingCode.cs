namespace Scalr.Byok.Kms;

/// <summary>The codes of findings that are no <see cref="ByokKeyUnavailableReason"/>; for those, the code is the reason's name.</summary>
public static class KeyFindingCode
{
    /// <summary>kms:DescribeKey is not allowed, so that problems are seen only when they are there. Warning.</summary>
    public const string DescribeKeyDenied = nameof(DescribeKeyDenied);

    /// <summary>kms:DescribeKey was answered without the key's ARN, state, key spec or key usage, as AWS never does. Warning.</summary>
    public const string DescriptionIncomplete = nameof(DescriptionIncomplete);

    /// <summary>The key is in a state that this version of the library does not know. Warning.</summary>
    public const string KeyStateUnknown = nameof(KeyStateUnknown);

    /// <summary>The imported key material expires: a warning from 30 days before, information earlier.</summary>
    public const string KeyMaterialExpires = nameof(KeyMaterialExpires);

    /// <summary>A Region of <see cref="ByokKeySettings.ReplicaRegions"/> holds no replica of the key. Warning.</summary>
    public const string ReplicaMissing = nameof(ReplicaMissing);

    /// <summary>A replica cannot be used: it is disabled, pending deletion and so on. Warning.</summary>
    public const string ReplicaUnusable = nameof(ReplicaUnusable);

    /// <summary>The state of a replica could not be learnt. Warning.</summary>
    public const string ReplicaNotSeen = nameof(ReplicaNotSeen);

    /// <summary>The key is a single-Region key; a multi-Region key can be replicated later. Information.</summary>
    public const string SingleRegionKey = nameof(SingleRegionKey);

    /// <summary>
    /// AWS KMS does not rotate the key's material by itself, because it did not make it. Information. Whether rotation is on for material that AWS KMS
    /// made is not told: only kms:GetKeyRotationStatus knows, which customers do not grant.
    /// </summary>
    public const string RotationOff = nameof(RotationOff);

    /// <summary>The key belongs to AWS (an AWS managed key), so the customer can neither disable nor delete it. Warning.</summary>
    public const string AwsManagedKey = nameof(AwsManagedKey);

    /// <summary>AWS is moving the key's primary Region; the key can be used. Information.</summary>
    public const string KeyUpdating = nameof(KeyUpdating);

    /// <summary>AWS KMS or AWS STS is slow, throttles or cannot be reached. Error.</summary>
    public const string ServiceUnavailable = nameof(ServiceUnavailable);

    /// <summary>The host itself is at fault: its AWS identity, its token provider or its clock. Error.</summary>
    public const string HostAtFault = nameof(HostAtFault);
}
