using System.Globalization;
using Scalr.Byok.Kms;
using WebHost.Accounts;
using WebHost.Moves;

namespace WebHost;

/// <summary>Dates, numbers and states as pages show them: one format each.</summary>
public static class Texts
{
    /// <summary>A moment, such as 2026-01-31 17:05 UTC.</summary>
    public static string Of(DateTime utc) => utc.ToString("yyyy-MM-dd HH:mm 'UTC'", CultureInfo.InvariantCulture);

    /// <summary>A number, such as 20,000.</summary>
    public static string Of(long number) => number.ToString("N0", CultureInfo.InvariantCulture);

    /// <summary>The subject of a step of "Test connection".</summary>
    public static string Of(ByokVerificationCheck check) => check switch
    {
        ByokVerificationCheck.KeyArn => "Key ARN",
        ByokVerificationCheck.AllowedRegion => "Region",
        ByokVerificationCheck.RoleTrust => "Trust policy",
        ByokVerificationCheck.DescribeKey => "kms:DescribeKey",
        ByokVerificationCheck.Encrypt => "kms:Encrypt",
        ByokVerificationCheck.Decrypt => "kms:Decrypt",
        ByokVerificationCheck.PreviousKey => "Previous key",
        _ => check.ToString(),
    };

    /// <summary>The outcome of a step of "Test connection".</summary>
    public static string Of(ByokVerificationOutcome outcome) => outcome switch
    {
        ByokVerificationOutcome.Passed => "passed",
        ByokVerificationOutcome.Failed => "failed",
        ByokVerificationOutcome.Warning => "warning",
        _ => "skipped",
    };

    /// <summary>The phase of an account, for the operator.</summary>
    public static string Of(AccountPhase phase) => phase switch
    {
        AccountPhase.PlatformKey => "platform key",
        AccountPhase.MovingToCustomerKey => "moves to customer key",
        AccountPhase.CustomerKey => "customer key",
        AccountPhase.MovingToNewKey => "moves to new customer key",
        AccountPhase.MovingToPlatformKey => "moves to platform key",
        _ => "data key deleted",
    };

    /// <summary>The progress of a move.</summary>
    public static string Of(MoveProgress progress)
    {
        ArgumentNullException.ThrowIfNull(progress);
        if (progress.Pause is not null)
        {
            return $"{Of(progress.Processed)} of {Of(progress.Total)} values. Paused: {progress.Pause}";
        }

        var rate = progress.Rate > 0 ? $", {Of((long)progress.Rate)} per second" : "";
        var remaining = progress.Remaining is { } time ? $", about {Of((long)Math.Ceiling(time.TotalSeconds))} s remain" : "";
        return $"{Of(progress.Processed)} of {Of(progress.Total)} values{rate}{remaining}";
    }
}
