using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Scalr.Byok.Kms;

/// <summary>The options of a health check for key rings.</summary>
public sealed class ByokHealthCheckOptions
{
    /// <summary>
    /// The name of the only key ring to check: that of <c>AddKeyRing</c>, empty for the unnamed ring. Default: null (all key rings).
    /// </summary>
    public string? KeyRing { get; set; }

    /// <summary>
    /// The host's status when a customer's key cannot be used for a reason that the customer controls. Default:
    /// <see cref="HealthStatus.Degraded"/>, so that no orchestrator restarts the host. <see cref="HealthStatus.Healthy"/> also mutes
    /// warnings that only customers can act on.
    /// </summary>
    /// <remarks>
    /// A problem of the host has the health check's <c>failureStatus</c>, by default <see cref="HealthStatus.Unhealthy"/>.
    /// </remarks>
    public HealthStatus CustomerFailureStatus { get; set; } = HealthStatus.Degraded;

    /// <summary>
    /// Whether the result's data contains the names, tenants, key ARNs and remedies of the worst key rings. They identify customers.
    /// Default: false.
    /// </summary>
    public bool IncludeCustomerData { get; set; }

    /// <summary>The number of key rings in the data with <see cref="IncludeCustomerData"/>, the worst first. Default: 10.</summary>
    public int MaxReported { get; set; } = 10;

    /// <summary>
    /// The longest time for which a key ring's last probe is used again, so that frequent checks cost no more calls to AWS. Default: 60
    /// seconds.
    /// </summary>
    /// <remarks>A probe is repeated sooner if its result and the denials of the key ring's own calls differ.</remarks>
    public TimeSpan MaxAge { get; set; } = TimeSpan.FromSeconds(60);

    /// <summary>
    /// The longest time to wait for AWS: at most 1 hour. Default: 5 seconds. A key ring whose probe has begun and has no answer by then
    /// counts with its last probe, or as an outage of AWS.
    /// </summary>
    /// <remarks>
    /// Key rings whose first probe has not begun by then do not affect the status. The description has their number, and they are checked
    /// first next time.
    /// </remarks>
    public TimeSpan Timeout { get; set; } = TimeSpan.FromSeconds(5);
}
