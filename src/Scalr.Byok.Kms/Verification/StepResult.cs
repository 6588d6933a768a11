using static Scalr.Byok.Kms.ByokVerificationOutcome;

namespace Scalr.Byok.Kms.Verification;

/// <summary>The result of one attempt of a step.</summary>
internal sealed record StepResult(ByokVerificationOutcome Outcome, string Message)
{
    public string? Remedy { get; init; }

    public string? Policy { get; init; }

    public ByokKeyUnavailableReason? Reason { get; init; }

    public string? Operation { get; init; }

    public string? RequestId { get; init; }

    /// <summary>
    /// Whether IAM denied the step. The cause may be a change of a policy, an identity provider or an access key that has not taken effect.
    /// </summary>
    public bool IsDenied => Reason is ByokKeyUnavailableReason.AccessDenied or ByokKeyUnavailableReason.RoleNotAssumable
        or ByokKeyUnavailableReason.CredentialsRejected or ByokKeyUnavailableReason.TokenRejected;

    public static StepResult Pass(string message) => new(Passed, message);

    public static StepResult Skip(string message) => new(Skipped, message);

    public static StepResult Fail(string message, string remedy, string? operation = null) =>
        new(Failed, message) { Remedy = remedy, Operation = operation };

    /// <summary>
    /// The host's own code threw, for example a credential strategy. Only the type is shown: the text may contain a secret.
    /// </summary>
    public static StepResult HostFailed(Exception error) =>
        Fail($"The host's own code failed with {error.GetType().Name}.", "The host's operator has to correct it; the customer cannot.");

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
