using Polly.CircuitBreaker;

namespace Scalr.Byok.Kms.Resilience;

/// <summary>The owner of circuit breakers. A delegate for each breaker would take more memory than the breaker.</summary>
internal interface IBreakerOwner
{
    /// <summary>A breaker has changed its state.</summary>
    /// <param name="operation">The action that it guards.</param>
    /// <param name="state">The new state.</param>
    /// <param name="opening">The opening that starts, continues or ends.</param>
    void BreakerChanged(string operation, CircuitState state, CircuitBreaker.Opening opening);
}
