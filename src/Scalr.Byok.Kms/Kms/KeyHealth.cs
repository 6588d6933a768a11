using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Scalr.Byok.Kms;

/// <summary>How a customer's key is: the answer of <see cref="IByokKeyRing.ProbeAsync"/>. It holds no secret.</summary>
public sealed class KeyHealth
{
    /// <summary>The key.</summary>
    public required KmsKeyArn KeyArn { get; init; }

    /// <summary>
    /// <see cref="HealthStatus.Unhealthy"/> if the key cannot be used, <see cref="HealthStatus.Degraded"/> if it can but something is missing or will go
    /// wrong, <see cref="HealthStatus.Healthy"/> otherwise: the worst <see cref="KeyFinding.Severity"/> of the findings.
    /// </summary>
    public required HealthStatus Status { get; init; }

    /// <summary>The key's state; <see cref="KmsKeyState.Unknown"/> where kms:DescribeKey was not answered.</summary>
    public KmsKeyState KeyState { get; init; }

    /// <summary>Why AWS denies the use of the key, be it by the key's state or by kms:Encrypt or kms:Decrypt; null otherwise, in an outage of AWS for example.</summary>
    public ByokKeyUnavailableReason? Reason { get; init; }

    /// <summary>What was found, the worst first; empty if there is nothing to say.</summary>
    public IReadOnlyList<KeyFinding> Findings { get; init; } = [];

    /// <summary>The key spec, for example <c>SYMMETRIC_DEFAULT</c>; null where kms:DescribeKey was not answered.</summary>
    public string? KeySpec { get; init; }

    /// <summary>The key usage, for example <c>ENCRYPT_DECRYPT</c>; null where kms:DescribeKey was not answered.</summary>
    public string? KeyUsage { get; init; }

    /// <summary>
    /// Where the key material comes from: <c>AWS_KMS</c>, <c>EXTERNAL</c>, <c>AWS_CLOUDHSM</c>, <c>EXTERNAL_KEY_STORE</c>; null where kms:DescribeKey was
    /// not answered.
    /// </summary>
    public string? Origin { get; init; }

    /// <summary>Who manages the key: <c>CUSTOMER</c> or <c>AWS</c>; null where kms:DescribeKey was not answered.</summary>
    public string? KeyManager { get; init; }

    /// <summary>When the key will be deleted; null if it will not, or while it waits for its replicas.</summary>
    public DateTimeOffset? DeletionDate { get; init; }

    /// <summary>When the imported key material expires; null if it does not.</summary>
    public DateTimeOffset? KeyMaterialExpiresAt { get; init; }

    /// <summary>The Region of the primary key; null for a single-Region key.</summary>
    public string? PrimaryRegion { get; init; }

    /// <summary>The Regions that hold a replica of the key, as the key itself tells; empty for a single-Region key.</summary>
    public IReadOnlyList<string> ReplicaRegions { get; init; } = [];

    /// <summary>When AWS was asked.</summary>
    public DateTimeOffset CheckedAt { get; init; }

    /// <summary>How long it took.</summary>
    public TimeSpan Duration { get; init; }

    /// <summary>The key, its status and the codes of what was found.</summary>
    public override string ToString() =>
        Findings.Count == 0 ? $"{KeyArn}: {Status}" : $"{KeyArn}: {Status} ({string.Join(", ", Findings.Select(finding => finding.Code))})";

    /// <summary>The same description of the key with other findings.</summary>
    internal KeyHealth With(HealthStatus status, ByokKeyUnavailableReason? reason, IReadOnlyList<KeyFinding> findings) => new()
    {
        KeyArn = KeyArn,
        Status = status,
        KeyState = KeyState,
        Reason = reason,
        Findings = findings,
        KeySpec = KeySpec,
        KeyUsage = KeyUsage,
        Origin = Origin,
        KeyManager = KeyManager,
        DeletionDate = DeletionDate,
        KeyMaterialExpiresAt = KeyMaterialExpiresAt,
        PrimaryRegion = PrimaryRegion,
        ReplicaRegions = ReplicaRegions,
        CheckedAt = CheckedAt,
        Duration = Duration,
    };
}
