namespace Scalr.Byok.Kms;

/// <summary>A change of a customer's key that an <see cref="IByokKeyObserver"/> hears of. Contains no secret.</summary>
/// <remarks>Contains no encryption context. Names the tenant and the key ARN.</remarks>
public sealed record ByokKeyEvent
{
    /// <summary>
    /// 32 hexadecimal digits, computed from the tenant or key ring, <see cref="KeyArn"/>, <see cref="Kind"/>, <see cref="Code"/> and
    /// <see cref="Start"/>. Instances of a host that see the same change at about the same time report the same id.
    /// </summary>
    /// <remarks>
    /// <para>
    /// The start is rounded down to five times <see cref="ByokOptions.ConfirmationInterval"/>, because each instance finds a change at a
    /// moment of its own. A warning has its <see cref="Deadline"/>, or else the day, in place of the start. One instance never reports two
    /// changes of a key with one id.
    /// </para>
    /// <para>
    /// To recognize repeats, compare an event with the last one of the same tenant and key: the same id, or the same kind and code, is a
    /// repeat. Two instances can report one change with two ids, at the boundary of two rounded starts and after a restart.
    /// </para>
    /// </remarks>
    public required string Id { get; init; }

    /// <summary>What has changed.</summary>
    public required ByokKeyEventKind Kind { get; init; }

    /// <summary>The canonical name of the tenant (<see cref="IByokKeyRingProvider"/>); null for a key ring of <c>AddKeyRing</c>.</summary>
    public string? Tenant { get; init; }

    /// <summary>The name of the key ring of <c>AddKeyRing</c>, empty for the unnamed one; null for a tenant.</summary>
    public string? KeyRing { get; init; }

    /// <summary>The key in its own Region: the current key or a previous one.</summary>
    public required KmsKeyArn KeyArn { get; init; }

    /// <summary>
    /// A stable code for programs: the name of a <see cref="ByokKeyUnavailableReason"/>, or one of <see cref="ByokKeyFindingCode"/>. Of
    /// <see cref="ByokKeyEventKind.Restored"/>: the code of the state that has ended.
    /// </summary>
    public required string Code { get; init; }

    /// <summary>The reason that <see cref="Code"/> names; null if that is not the name of a reason.</summary>
    public ByokKeyUnavailableReason? Reason { get; init; }

    /// <summary>
    /// Who has to act: the customer; for the platform key and the host's own identity the host; in an outage of AWS no one. Of
    /// <see cref="ByokKeyEventKind.Restored"/>: who had to act.
    /// </summary>
    public required ByokKeyFindingOwner Owner { get; init; }

    /// <summary>What has happened, in one sentence.</summary>
    public required string Message { get; init; }

    /// <summary>What <see cref="Owner"/> can do about it, in one or two sentences.</summary>
    public required string Remedy { get; init; }

    /// <summary>
    /// When this instance found the change, by its own clock. An event is reported <see cref="ByokKeyEventOptions.HoldTime"/> later or, for
    /// a warning, at once.
    /// </summary>
    public required DateTimeOffset Start { get; init; }

    /// <summary>
    /// When the key will be deleted, when its key material expires, or when data keys can no longer be used in an outage, at the latest;
    /// null if that is not known. In an outage it can be in the past.
    /// </summary>
    public DateTimeOffset? Deadline { get; init; }

    /// <summary>
    /// The id of the AWS request that showed it; null if AWS returned none, and for <see cref="ByokKeyEventKind.Restored"/>.
    /// </summary>
    public string? RequestId { get; init; }
}
