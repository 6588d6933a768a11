namespace Scalr.Byok.Kms.Errors;

/// <summary>What kind of trouble a <see cref="ByokServiceException"/> is, for the retries and breakers.</summary>
internal enum ServiceTrouble
{
    /// <summary>Trying again does not help at once: the host's own trouble, a breaker that is open, or an exception that the host made.</summary>
    Other,

    /// <summary>AWS is slow, fails or cannot be reached.</summary>
    Outage,

    /// <summary>AWS asks to come less often; it is alive.</summary>
    Throttled,
}
