using System.Globalization;

namespace Scalr.Byok.Kms.Settings;

/// <summary>Validates <see cref="ByokResilienceOptions"/>. Each message starts with the setting's name.</summary>
internal static class ResilienceRules
{
    private static readonly TimeSpan HalfSecond = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan OneHour = TimeSpan.FromHours(1);

    public static void Check(List<string> errors, ByokResilienceOptions options)
    {
        if (options.AttemptTimeout < TimeSpan.FromMilliseconds(10) || options.AttemptTimeout > options.TotalTimeout)
        {
            errors.Add($"Resilience:AttemptTimeout is {options.AttemptTimeout}; it must be 10 milliseconds or more and not above "
                + "TotalTimeout.");
        }

        if (options.TotalTimeout > OneHour)
        {
            errors.Add($"Resilience:TotalTimeout is {options.TotalTimeout}; it must be at most 1 hour.");
        }

        SettingRanges.Check(errors, "Resilience:MaxRetryAttempts", options.MaxRetryAttempts, 0, 10);
        SettingRanges.Check(
            errors,
            "Resilience:RetryDelay",
            options.RetryDelay,
            TimeSpan.FromMilliseconds(1),
            TimeSpan.FromSeconds(2),
            "it must be 1 millisecond to 2 seconds");
        if (options.BreakerFailureRatio is not (> 0 and <= 1))
        {
            errors.Add(string.Create(
                CultureInfo.InvariantCulture,
                $"Resilience:BreakerFailureRatio is {options.BreakerFailureRatio}; it must be above 0 and at most 1."));
        }

        SettingRanges.CheckLeast(errors, "Resilience:BreakerMinimumThroughput", options.BreakerMinimumThroughput, 2);
        SettingRanges.CheckLeast(errors, "Resilience:MaxConnectionsPerEndpoint", options.MaxConnectionsPerEndpoint, 1);
        SettingRanges.CheckLeast(errors, "Resilience:MaxSessionStartsPerSecond", options.MaxSessionStartsPerSecond, 1);
        SettingRanges.CheckLeast(errors, "Resilience:MaxConcurrentCalls", options.MaxConcurrentCalls, 1);
        CheckPause(errors, "Resilience:BreakerSamplingDuration", options.BreakerSamplingDuration);
        CheckPause(errors, "Resilience:BreakDuration", options.BreakDuration);
    }

    private static void CheckPause(List<string> errors, string setting, TimeSpan value) =>
        SettingRanges.Check(errors, setting, value, HalfSecond, OneHour, "it must be half a second to 1 hour");
}
