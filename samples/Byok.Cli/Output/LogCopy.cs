using Scalr.Byok.Kms;

namespace Byok.Cli.Output;

/// <summary>A verification as text that may be logged: its trust policy contains no external ID.</summary>
internal static class LogCopy
{
    private const string Instead = "(external ID)";

    public static ByokVerification Of(ByokVerification verification, string? externalId) => new()
    {
        Duration = verification.Duration,
        KeyHealth = verification.KeyHealth,
        Steps = string.IsNullOrEmpty(externalId) ? verification.Steps : [.. verification.Steps.Select(step => Of(step, externalId))],
    };

    private static ByokVerificationStep Of(ByokVerificationStep step, string externalId) => new()
    {
        Check = step.Check,
        Outcome = step.Outcome,
        Message = step.Message,
        Remedy = step.Remedy,
        Policy = step.Policy?.Replace($"\"{externalId}\"", $"\"{Instead}\"", StringComparison.Ordinal),
        Reason = step.Reason,
        Region = step.Region,
        Operation = step.Operation,
        RequestId = step.RequestId,
        Duration = step.Duration,
    };
}
