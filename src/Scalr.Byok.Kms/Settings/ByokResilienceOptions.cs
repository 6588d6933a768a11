namespace Scalr.Byok.Kms;

/// <summary>Time limits, retries, circuit breakers and limits of concurrency for calls to AWS. The AWS SDK's own are off.</summary>
public sealed class ByokResilienceOptions
{
    /// <summary>How long one operation of a key ring may take in AWS, all attempts together. Default 10 seconds.</summary>
    public TimeSpan TotalTimeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>How long one attempt may take, the answer's body and the renewal of credentials included. Default 2 seconds.</summary>
    public TimeSpan AttemptTimeout { get; set; } = TimeSpan.FromSeconds(2);

    /// <summary>How often a call is tried again that failed for a reason that passes by itself: 0 to 10. Default 3; 0 turns retries off.</summary>
    /// <remarks>
    /// Outages only. After throttling, calls are retried within <see cref="TotalTimeout"/>, with the pauses that AWS asks for. A denial is
    /// never retried.
    /// </remarks>
    public int MaxRetryAttempts { get; set; } = 3;

    /// <summary>The pause before the first retry; it doubles each time, up to 2 seconds, with jitter. 1 millisecond to 2 seconds. Default 100 milliseconds.</summary>
    public TimeSpan RetryDelay { get; set; } = TimeSpan.FromMilliseconds(100);

    /// <summary>The share of attempts that must fail within <see cref="BreakerSamplingDuration"/> for a circuit breaker to open: above 0, to 1. Default 0.5.</summary>
    /// <remarks>Each key has a circuit breaker per Region and action, and one for AWS STS. It counts outages; denials and throttling are answers.</remarks>
    public double BreakerFailureRatio { get; set; } = 0.5;

    /// <summary>How many attempts there must be in that time before the circuit breaker may open: 2 or more. Default 4.</summary>
    public int BreakerMinimumThroughput { get; set; } = 4;

    /// <summary>The time over which attempts are counted: half a second to 1 hour. Default 30 seconds.</summary>
    public TimeSpan BreakerSamplingDuration { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>How long a circuit breaker stays open before one call tries the Region again: half a second to 1 hour. Default 15 seconds.</summary>
    /// <remarks>Confirmations (<see cref="ByokOptions.ConfirmationInterval"/>) pass an open circuit breaker. If AWS answers one, the breaker closes.</remarks>
    public TimeSpan BreakDuration { get; set; } = TimeSpan.FromSeconds(15);

    /// <summary>How many attempts a key ring makes at a time for one key in one Region: 1 or more. Default 64. Those beyond wait for their turn, within <see cref="TotalTimeout"/>.</summary>
    /// <remarks>This keeps one key that does not answer from taking up the host's sockets. Confirmations need no such place.</remarks>
    public int MaxConcurrentCalls { get; set; } = 64;

    /// <summary>
    /// How many role sessions the process begins per second at most, for all customers together: 1 or more. Default 100. Requests beyond that wait in turn, within
    /// <see cref="AttemptTimeout"/>.
    /// </summary>
    /// <remarks>
    /// AWS STS limits the requests of the host's account (600 per second, "IAM and AWS STS quotas"). Customers whose role was denied share a tenth of this number,
    /// so that they do not slow down the others.
    /// </remarks>
    public int MaxSessionStartsPerSecond { get; set; } = 100;

    /// <summary>The most connections to one endpoint of AWS, for all key rings together: 1 or more. Default 256. A call that waits for one spends its <see cref="AttemptTimeout"/>.</summary>
    /// <remarks>So that an endpoint that does not answer does not take up all sockets of the host, however many tenants call it.</remarks>
    public int MaxConnectionsPerEndpoint { get; set; } = 256;
}
