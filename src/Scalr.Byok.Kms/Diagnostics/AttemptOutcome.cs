namespace Scalr.Byok.Kms.Diagnostics;

/// <summary>The outcome of a request to AWS, for metrics.</summary>
internal static class AttemptOutcome
{
    public const string Ok = "ok";

    /// <summary>AWS denied the use of the key.</summary>
    public const string Denied = "denied";

    public const string Throttled = "throttled";

    public const string Outage = "outage";

    /// <summary>The circuit breaker is open. Nothing was sent.</summary>
    public const string Breaker = "breaker";

    public const string Cancelled = "cancelled";

    /// <summary>A failure of the host, a forged message, or another error.</summary>
    public const string Other = "other";
}
