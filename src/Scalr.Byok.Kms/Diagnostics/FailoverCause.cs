namespace Scalr.Byok.Kms.Diagnostics;

/// <summary>Why a call went to another Region, as metrics tell it.</summary>
internal static class FailoverCause
{
    public const string Outage = "outage";
    public const string Throttled = "throttled";
    public const string Refused = "refused";

    /// <summary>The circuit breaker is open, so the Region was not even asked.</summary>
    public const string Breaker = "breaker";
}
