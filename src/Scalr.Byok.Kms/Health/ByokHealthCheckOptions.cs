using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Scalr.Byok.Kms;

/// <summary>How a health check over key rings judges and what it tells.</summary>
public sealed class ByokHealthCheckOptions
{
    /// <summary>The name of one key ring to check (that of <c>AddKeyRing</c>; empty for the one without a name). Null, the default: all key rings.</summary>
    public string? KeyRing { get; set; }

    /// <summary>
    /// The host's status when a customer's key cannot be used for a reason that the customer controls. Default
    /// <see cref="HealthStatus.Degraded"/>, so that no orchestrator restarts the host for it. <see cref="HealthStatus.Healthy"/> also mutes
    /// warnings that only customers can act on.
    /// </summary>
    /// <remarks>A problem of the host's own has the health check's <c>failureStatus</c>, <see cref="HealthStatus.Unhealthy"/> by default.</remarks>
    public HealthStatus CustomerFailureStatus { get; set; } = HealthStatus.Degraded;

    /// <summary>
    /// Whether key ring names, tenants, key ARNs and remedies of the worst key rings stand in the result's data. They identify customers. Default false.
    /// </summary>
    public bool IncludeCustomerData { get; set; }

    /// <summary>How many key rings, the worst first, stand in the data with <see cref="IncludeCustomerData"/>. Default 10.</summary>
    public int MaxReported { get; set; } = 10;

    /// <summary>How old a key ring's last probe may be to be used again, so that frequent health checks cost no more calls to AWS. Default 60 seconds.</summary>
    /// <remarks>A probe is repeated sooner if its answer and the denials that the key ring's own calls have met differ.</remarks>
    public TimeSpan MaxAge { get; set; } = TimeSpan.FromSeconds(60);

    /// <summary>
    /// How long the health check waits for AWS: 1 hour at most. A key ring that has not answered by then counts with its last probe, or as
    /// an outage of AWS.
    /// Default 5 seconds.
    /// </summary>
    /// <remarks>Key rings not reached in time do not affect the status. The description has their number, and they come first the next time.</remarks>
    public TimeSpan Timeout { get; set; } = TimeSpan.FromSeconds(5);
}
