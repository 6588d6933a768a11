using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Scalr.Byok.Kms;

/// <summary>The health of a customer's key, as <see cref="IByokKeyRing.ProbeAsync"/> returns it. Contains no secret.</summary>
public sealed class ByokKeyHealth
{
    /// <summary>The key.</summary>
    public required KmsKeyArn KeyArn { get; init; }

    /// <summary>
    /// The worst <see cref="ByokKeyFinding.Severity"/> of the findings. <see cref="HealthStatus.Unhealthy"/>: the key cannot be used, or
    /// cannot be used soon because the host gets no new session. <see cref="HealthStatus.Degraded"/>: the key works, but something is
    /// missing or will fail later.
    /// </summary>
    public required HealthStatus Status { get; init; }

    /// <summary>The key's state; <see cref="KmsKeyState.Unknown"/> without an answer to kms:DescribeKey.</summary>
    public KmsKeyState KeyState { get; init; }

    /// <summary>
    /// Why AWS denies the use of the key, by the key's state or by kms:Encrypt or kms:Decrypt; null if AWS does not, and in an outage of
    /// AWS.
    /// </summary>
    public ByokKeyUnavailableReason? Reason { get; init; }

    /// <summary>The findings, the worst first; empty if there are none.</summary>
    public IReadOnlyList<ByokKeyFinding> Findings { get; init; } = [];

    /// <summary>The key spec, for example <c>SYMMETRIC_DEFAULT</c>; null without an answer to kms:DescribeKey.</summary>
    public string? KeySpec { get; init; }

    /// <summary>The key usage, for example <c>ENCRYPT_DECRYPT</c>; null without an answer to kms:DescribeKey.</summary>
    public string? KeyUsage { get; init; }

    /// <summary>
    /// The origin of the key material: <c>AWS_KMS</c>, <c>EXTERNAL</c>, <c>AWS_CLOUDHSM</c> or <c>EXTERNAL_KEY_STORE</c>; null without an
    /// answer to kms:DescribeKey.
    /// </summary>
    public string? Origin { get; init; }

    /// <summary>The manager of the key: <c>CUSTOMER</c> or <c>AWS</c>; null without an answer to kms:DescribeKey.</summary>
    public string? KeyManager { get; init; }

    /// <summary>
    /// When the key will be deleted; null if no deletion is scheduled, or while it waits for the deletion of its replicas.
    /// </summary>
    public DateTimeOffset? DeletionDate { get; init; }

    /// <summary>When the imported key material expires; null if it does not.</summary>
    public DateTimeOffset? KeyMaterialExpiresAt { get; init; }

    /// <summary>The Region of the primary key; null for a single-Region key.</summary>
    public string? PrimaryRegion { get; init; }

    /// <summary>The Regions that have a replica of the key, according to AWS KMS; empty for a single-Region key.</summary>
    public IReadOnlyList<string> ReplicaRegions { get; init; } = [];

    /// <summary>When the probe started.</summary>
    public DateTimeOffset CheckedAt { get; init; }

    /// <summary>The duration of the probe.</summary>
    public TimeSpan Duration { get; init; }

    /// <summary>The key ARN, the status and the codes of the findings.</summary>
    public override string ToString() =>
        Findings.Count == 0 ? $"{KeyArn}: {Status}" : $"{KeyArn}: {Status} ({string.Join(", ", Findings.Select(finding => finding.Code))})";

    /// <summary>The same description of the key, with other findings.</summary>
    internal ByokKeyHealth With(HealthStatus status, ByokKeyUnavailableReason? reason, IReadOnlyList<ByokKeyFinding> findings) => new()
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
