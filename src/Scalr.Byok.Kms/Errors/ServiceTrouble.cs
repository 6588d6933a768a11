namespace Scalr.Byok.Kms.Errors;

/// <summary>The kind of a <see cref="ByokServiceException"/>, for retries, breakers and the facts about a key.</summary>
internal enum ServiceTrouble
{
    /// <summary>The host's own identity or token source failed, or the host created the exception. No retry helps at once.</summary>
    Other,

    /// <summary>AWS is slow, fails or cannot be reached.</summary>
    Outage,

    /// <summary>AWS asks for fewer requests. It is alive.</summary>
    Throttled,

    /// <summary>Nothing was sent, because a circuit breaker is open.</summary>
    NotTried,

    /// <summary>AWS finds fault with this request, so it answers.</summary>
    Rejected,
}
