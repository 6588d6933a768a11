using Scalr.Byok.Kms;

namespace Byok.Cli.Output;

/// <summary>The names and colours of the steps of a verification.</summary>
internal static class StepWords
{
    public static string NameOf(ByokVerificationStep step) => step.Check switch
    {
        ByokVerificationCheck.KeyArn => "Key ARN",
        ByokVerificationCheck.AllowedRegion => "Region",
        ByokVerificationCheck.RoleTrust => "Role trust",
        ByokVerificationCheck.DescribeKey => "kms:DescribeKey",
        ByokVerificationCheck.Encrypt => "kms:Encrypt",
        ByokVerificationCheck.Decrypt => "kms:Decrypt",
        ByokVerificationCheck.Replica => $"Replica {step.Region}",
        ByokVerificationCheck.PreviousKey => $"Previous key {step.Region}",
        var other => other.ToString(),
    };

    public static (string Sign, string Color) LookOf(ByokVerificationOutcome outcome) => outcome switch
    {
        ByokVerificationOutcome.Passed => ("ok", "green"),
        ByokVerificationOutcome.Warning => ("warning", "yellow"),
        ByokVerificationOutcome.Failed => ("FAILED", "red"),
        ByokVerificationOutcome.Skipped => ("skipped", "grey"),
        _ => ("unknown", "red"),
    };
}
