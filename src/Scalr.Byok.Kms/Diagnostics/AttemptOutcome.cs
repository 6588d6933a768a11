namespace Scalr.Byok.Kms.Diagnostics;

/// <summary>How a request to AWS ended, as metrics tell it.</summary>
internal static class AttemptOutcome
{
    public const string Ok = "ok";

    /// <summary>AWS says that the key, or the permission to use it, cannot be used.</summary>
    public const string Refused = "refused";

    public const string Throttled = "throttled";

    public const string Outage = "outage";

    /// <summary>The circuit breaker is open: nothing was sent.</summary>
    public const string DeniedByBreaker = "denied-by-breaker";

    public const string Cancelled = "cancelled";

    /// <summary>The host's own trouble, a forged message, and what is left.</summary>
    public const string Other = "other";
}
