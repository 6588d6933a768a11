using Polly;
using Polly.Retry;
using Polly.Timeout;
using Scalr.Byok.Kms.Errors;

namespace Scalr.Byok.Kms.Resilience;

/// <summary>
/// What stands between a key ring and AWS, outermost first: the total time limit, retries of what passes by itself, then for each key and Region a
/// limit of attempts at a time and a circuit breaker (<see cref="RegionGate"/>), and the time limit of an attempt.
/// </summary>
/// <remarks>The AWS SDK's own retries are off (<see cref="AwsClientConfiguration"/>).</remarks>
internal sealed class AwsPipeline
{
    /// <summary>Throttling passes if one is patient: as long as the total time limit allows, more or less.</summary>
    private const int ThrottledRetries = 10;

    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(2);

    private readonly ByokResilienceOptions _options;
    private readonly TimeProvider _time;
    private readonly ResiliencePipeline _call;
    private readonly ResiliencePipeline _attempt;

    /// <param name="options">The numbers.</param>
    /// <param name="time">The clock.</param>
    /// <param name="retries">What the host wants in the place of the retries; null for ours.</param>
    public AwsPipeline(ByokResilienceOptions options, TimeProvider time, Action<ResiliencePipelineBuilder>? retries = null)
    {
        _options = options;
        _time = time;
        var call = new ResiliencePipelineBuilder { TimeProvider = time }.AddTimeout(options.TotalTimeout);
        if (retries is not null)
        {
            retries(call);
        }
        else if (options.MaxRetryAttempts > 0)
        {
            call.AddRetry(Retries(ThrottledRetries, static trouble => trouble == ServiceTrouble.Throttled))
                .AddRetry(Retries(options.MaxRetryAttempts, static trouble => trouble == ServiceTrouble.Outage));
        }

        _call = call.Build();
        _attempt = new ResiliencePipelineBuilder { TimeProvider = time }.AddTimeout(options.AttemptTimeout).Build();
    }

    /// <summary>The clock of all calls.</summary>
    public TimeProvider Time => _time;

    public RegionGate CreateGate() => new(_options, _time);

    /// <summary>A whole call: attempts, until one succeeds, fails for good, or the total time limit is over.</summary>
    /// <exception cref="TimeoutRejectedException">The total time limit is over.</exception>
    public ValueTask<TResult> CallAsync<TState, TResult>(
        Func<TState, CancellationToken, ValueTask<TResult>> attempt, TState state, CancellationToken cancellationToken) =>
        _call.ExecuteAsync(attempt, state, cancellationToken);

    /// <summary>One attempt.</summary>
    /// <exception cref="TimeoutRejectedException">The time limit of an attempt is over.</exception>
    public ValueTask<TResult> AttemptAsync<TState, TResult>(
        Func<TState, CancellationToken, ValueTask<TResult>> attempt, TState state, CancellationToken cancellationToken) =>
        _attempt.ExecuteAsync(attempt, state, cancellationToken);

    private RetryStrategyOptions Retries(int count, Func<ServiceTrouble, bool> isOurs) => new()
    {
        MaxRetryAttempts = count,
        Delay = _options.RetryDelay,
        MaxDelay = LongestPause,
        BackoffType = DelayBackoffType.Exponential,
        UseJitter = true,
        ShouldHandle = arguments => ValueTask.FromResult(arguments.Outcome.Exception is ByokServiceException error
            && isOurs(error.Trouble) && (error.RetryAfter is not { } pause || pause < _options.TotalTimeout)), // no use waiting for what lies beyond the time limit
        DelayGenerator = static arguments => ValueTask.FromResult((arguments.Outcome.Exception as ByokServiceException)?.RetryAfter), // null: the jittered pause
    };
}
