namespace Scalr.Byok.Kms;

/// <summary>One step of a verification.</summary>
public sealed class ByokVerificationStep
{
    /// <summary>What was looked at.</summary>
    public required ByokVerificationCheck Check { get; init; }

    /// <summary>How it ended.</summary>
    public required ByokVerificationOutcome Outcome { get; init; }

    /// <summary>What was found, in one sentence, fit to be shown to the customer. It holds no secret.</summary>
    public required string Message { get; init; }

    /// <summary>What to do next; null where there is nothing to do. It holds no secret.</summary>
    public string? Remedy { get; init; }

    /// <summary>
    /// The IAM policy that mends it, ready to paste: a permission policy for the key, or a trust policy for the role, with this customer's values filled in;
    /// null where no policy would help.
    /// </summary>
    /// <remarks>A trust policy for AssumeRole holds the customer's external ID: show it to that customer and keep it out of logs.</remarks>
    public string? Policy { get; init; }

    /// <summary>Why it failed, if AWS refused and the customer can mend it; null otherwise.</summary>
    public ByokKeyUnavailableReason? Reason { get; init; }

    /// <summary>The Region of the replica or previous key that the step is about; for other steps that of the key, null if it has none.</summary>
    public string? Region { get; init; }

    /// <summary>The action that AWS refused or failed to do, as IAM names it, for example <c>kms:Encrypt</c>; null where none was.</summary>
    public string? Operation { get; init; }

    /// <summary>The id AWS gave the request that was refused, to find it in CloudTrail; null where there is none.</summary>
    public string? RequestId { get; init; }

    /// <summary>How long it took, waiting for IAM included.</summary>
    public TimeSpan Duration { get; init; }

    /// <summary>The check, the outcome and the message; no policy.</summary>
    public override string ToString() => $"{Check}: {Outcome}. {Message}";
}
