namespace Scalr.Byok.Kms;

/// <summary>
/// The time limits, retries, circuit breakers and concurrency limits of calls to AWS. Those of the AWS SDK are turned off.
/// </summary>
public sealed class ByokResilienceOptions
{
    /// <summary>
    /// The longest time that one operation of a key ring may take in AWS, with all attempts: up to 1 hour. Default: 10 seconds.
    /// </summary>
    public TimeSpan TotalTimeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// The longest time that one attempt may take, including the body of the answer and a new session: 10 milliseconds to
    /// <see cref="TotalTimeout"/>. Default: 2 seconds.
    /// </summary>
    public TimeSpan AttemptTimeout { get; set; } = TimeSpan.FromSeconds(2);

    /// <summary>The number of retries after a transient failure: 0 to 10. Default: 3. Zero turns retries off.</summary>
    /// <remarks>
    /// Counts retries after outages, and after the trial of a circuit breaker: the trial may show that AWS answers again. After throttling,
    /// calls are retried within <see cref="TotalTimeout"/>, with the pauses that AWS asks for. A denial is never retried.
    /// </remarks>
    public int MaxRetryAttempts { get; set; } = 3;

    /// <summary>
    /// The pause before the first retry: 1 millisecond to 2 seconds. Default: 100 milliseconds. It doubles with each retry up to 2 seconds,
    /// with jitter.
    /// </summary>
    public TimeSpan RetryDelay { get; set; } = TimeSpan.FromMilliseconds(100);

    /// <summary>
    /// The share of attempts that must fail within <see cref="BreakerSamplingDuration"/> to open a circuit breaker: above 0, at most 1.
    /// Default: 0.5.
    /// </summary>
    /// <remarks>
    /// Each key has a circuit breaker per Region and action, and one for AWS STS. It counts outages; denials and throttling do not count.
    /// </remarks>
    public double BreakerFailureRatio { get; set; } = 0.5;

    /// <summary>
    /// The number of attempts within <see cref="BreakerSamplingDuration"/> from which a circuit breaker may open: 2 or more. Default: 4.
    /// </summary>
    public int BreakerMinimumThroughput { get; set; } = 4;

    /// <summary>The time over which attempts are counted: 0.5 seconds to 1 hour. Default: 30 seconds.</summary>
    public TimeSpan BreakerSamplingDuration { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// How long a circuit breaker stays open before one call tries the Region again: 0.5 seconds to 1 hour. Default: 15 seconds.
    /// </summary>
    /// <remarks>
    /// Confirmations (<see cref="ByokOptions.ConfirmationInterval"/>) pass an open circuit breaker. If AWS answers one, the breaker closes.
    /// </remarks>
    public TimeSpan BreakDuration { get; set; } = TimeSpan.FromSeconds(15);

    /// <summary>The number of concurrent attempts of a key ring for one key in one Region: 1 or more. Default: 64.</summary>
    /// <remarks>
    /// Other attempts wait, within <see cref="TotalTimeout"/>. The limit prevents one key that does not answer from using all sockets of
    /// the host. Confirmations do not count.
    /// </remarks>
    public int MaxConcurrentCalls { get; set; } = 64;

    /// <summary>
    /// The number of role sessions that the process starts per second, for all customers together: 1 or more. Default: 100. Other requests
    /// wait in order, within <see cref="TotalTimeout"/>. A call that waits longer throws a transient <see cref="ByokServiceException"/>
    /// whose <see cref="ByokServiceException.RetryAfter"/> is the time until its turn, and keeps its turn. While AWS STS throttles, fewer
    /// sessions start: as many as it accepts, and then a twentieth of this number more in each second.
    /// </summary>
    /// <remarks>
    /// AWS STS limits the requests of the host's account (600 per second; "IAM and AWS STS quotas" in the AWS IAM User Guide). Tenants have
    /// their turns one after the other. Those whose role was denied share a tenth of this number, so they do not slow down the others.
    /// </remarks>
    public int MaxSessionStartsPerSecond { get; set; } = 100;

    /// <summary>The number of connections to one endpoint of AWS, for all key rings together: 1 or more. Default: 256.</summary>
    /// <remarks>
    /// The time that a call waits for a connection counts towards its <see cref="AttemptTimeout"/>. The limit prevents an endpoint that
    /// does not answer from using all sockets of the host.
    /// </remarks>
    public int MaxConnectionsPerEndpoint { get; set; } = 256;
}
