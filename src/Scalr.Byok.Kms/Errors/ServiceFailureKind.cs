namespace Scalr.Byok.Kms.Errors;

/// <summary>The kind of a <see cref="ByokServiceException"/>, for retries, breakers and the facts about a key.</summary>
internal enum ServiceFailureKind
{
    /// <summary>
    /// The host's own identity or token source failed, or the host created the exception. An immediate retry does not help.
    /// </summary>
    Other,

    /// <summary>AWS is slow, fails or cannot be reached.</summary>
    Outage,

    /// <summary>AWS asks for fewer requests. AWS answers.</summary>
    Throttled,

    /// <summary>Nothing was sent, because a circuit breaker is open.</summary>
    NotTried,

    /// <summary>Nothing was sent, because another request is the trial of the circuit breaker. A retry waits for its result.</summary>
    TrialUnderWay,

    /// <summary>AWS rejects this request. AWS answers.</summary>
    Rejected,
}
