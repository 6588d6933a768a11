using System.Globalization;

namespace Scalr.Byok.Kms.Settings;

/// <summary>Validates <see cref="ByokResilienceOptions"/>. Each message starts with the setting's name.</summary>
internal static class ResilienceRules
{
    public static IEnumerable<string> FindErrors(ByokResilienceOptions options)
    {
        if (options.AttemptTimeout < TimeSpan.FromMilliseconds(10) || options.AttemptTimeout > options.TotalTimeout)
        {
            yield return $"Resilience:AttemptTimeout is {options.AttemptTimeout}; it must be 10 milliseconds or more and not above "
                + "TotalTimeout.";
        }

        if (options.TotalTimeout > TimeSpan.FromHours(1))
        {
            yield return $"Resilience:TotalTimeout is {options.TotalTimeout}; it must be at most 1 hour.";
        }

        if (options.MaxRetryAttempts is < 0 or > 10)
        {
            yield return $"Resilience:MaxRetryAttempts is {options.MaxRetryAttempts}; it must be 0 to 10.";
        }

        if (options.RetryDelay < TimeSpan.FromMilliseconds(1) || options.RetryDelay > TimeSpan.FromSeconds(2))
        {
            yield return $"Resilience:RetryDelay is {options.RetryDelay}; it must be 1 millisecond to 2 seconds.";
        }

        if (options.BreakerFailureRatio is not (> 0 and <= 1))
        {
            yield return string.Create(
                CultureInfo.InvariantCulture,
                $"Resilience:BreakerFailureRatio is {options.BreakerFailureRatio}; it must be above 0 and at most 1.");
        }

        if (options.BreakerMinimumThroughput < 2)
        {
            yield return $"Resilience:BreakerMinimumThroughput is {options.BreakerMinimumThroughput}; it must be 2 or more.";
        }

        if (options.MaxConnectionsPerEndpoint < 1)
        {
            yield return $"Resilience:MaxConnectionsPerEndpoint is {options.MaxConnectionsPerEndpoint}; it must be 1 or more.";
        }

        if (options.MaxSessionStartsPerSecond < 1)
        {
            yield return $"Resilience:MaxSessionStartsPerSecond is {options.MaxSessionStartsPerSecond}; it must be 1 or more.";
        }

        if (options.MaxConcurrentCalls < 1)
        {
            yield return $"Resilience:MaxConcurrentCalls is {options.MaxConcurrentCalls}; it must be 1 or more.";
        }

        foreach (var (name, span) in new[]
        {
            ("BreakerSamplingDuration", options.BreakerSamplingDuration),
            ("BreakDuration", options.BreakDuration),
        })
        {
            if (span < TimeSpan.FromMilliseconds(500) || span > TimeSpan.FromHours(1))
            {
                yield return $"Resilience:{name} is {span}; it must be half a second to 1 hour.";
            }
        }
    }
}
