namespace Scalr.Byok.Kms;

/// <summary>One step of a verification.</summary>
public sealed class ByokVerificationStep
{
    /// <summary>The subject of the step.</summary>
    public required ByokVerificationCheck Check { get; init; }

    /// <summary>The outcome of the step.</summary>
    public required ByokVerificationOutcome Outcome { get; init; }

    /// <summary>What was found, in one sentence that can be shown to the customer. Contains no secret.</summary>
    public required string Message { get; init; }

    /// <summary>What to do next; null if there is nothing to do. Contains no secret.</summary>
    public string? Remedy { get; init; }

    /// <summary>
    /// The IAM policy that corrects the problem, ready to paste, with this customer's values: a permission policy for the key, or a trust
    /// policy for the role. Null if no policy would help.
    /// </summary>
    /// <remarks>A trust policy for AssumeRole contains the customer's external ID: show it to that customer, and do not log it.</remarks>
    public string? Policy { get; init; }

    /// <summary>Why the step failed, if AWS denied it and the customer can correct that; null otherwise.</summary>
    public ByokKeyUnavailableReason? Reason { get; init; }

    /// <summary>The Region of the replica or previous key of the step, otherwise of the key; null if it is unknown.</summary>
    public string? Region { get; init; }

    /// <summary>
    /// The action that AWS denied or did not answer, as IAM names it, for example <c>kms:Encrypt</c>; null if there is none.
    /// </summary>
    public string? Operation { get; init; }

    /// <summary>The id of the denied AWS request, for CloudTrail; null if there is none.</summary>
    public string? RequestId { get; init; }

    /// <summary>The duration of the step, including the wait for IAM.</summary>
    public TimeSpan Duration { get; init; }

    /// <summary>The check, the outcome and the message, without the policy.</summary>
    public override string ToString() => $"{Check}: {Outcome}. {Message}";
}
