namespace Scalr.Byok.Kms.Diagnostics;

/// <summary>Why a call went to another Region, for metrics.</summary>
internal static class FailoverCause
{
    public const string Outage = "outage";
    public const string Throttled = "throttled";
    public const string Denied = "denied";

    /// <summary>The circuit breaker is open, so nothing was sent to the Region.</summary>
    public const string Breaker = "breaker";
}
