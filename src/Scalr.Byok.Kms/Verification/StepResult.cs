using static Scalr.Byok.Kms.ByokVerificationOutcome;

namespace Scalr.Byok.Kms.Verification;

/// <summary>What came of one try of a step.</summary>
internal sealed record StepResult(ByokVerificationOutcome Outcome, string Message)
{
    public string? Remedy { get; init; }

    public string? Policy { get; init; }

    public ByokKeyUnavailableReason? Reason { get; init; }

    public string? Operation { get; init; }

    public string? RequestId { get; init; }

    /// <summary>Whether IAM refused: a change of policies, of the identity provider or of an access key that has not spread yet may be behind it.</summary>
    public bool IsDenied => Reason is ByokKeyUnavailableReason.AccessDenied or ByokKeyUnavailableReason.RoleNotAssumable
        or ByokKeyUnavailableReason.CredentialsRejected or ByokKeyUnavailableReason.TokenRejected;

    public static StepResult Pass(string message) => new(Passed, message);

    public static StepResult Skip(string message) => new(Skipped, message);

    public static StepResult Fail(string message, string remedy, string? operation = null) =>
        new(Failed, message) { Remedy = remedy, Operation = operation };

    /// <summary>The host's own code threw, a credential strategy for one. Only the type is told: the text may hold a secret.</summary>
    public static StepResult HostFailed(Exception error) =>
        Fail($"The host's own code failed with {error.GetType().Name}.", "The host's operator has to mend it; the customer cannot.");

    public ByokVerificationStep ToStep(ByokVerificationCheck check, string? region, TimeSpan duration) => new()
    {
        Check = check,
        Outcome = Outcome,
        Message = Message,
        Remedy = Remedy,
        Policy = Policy,
        Reason = Reason,
        Region = region,
        Operation = Operation,
        RequestId = RequestId,
        Duration = duration,
    };
}
