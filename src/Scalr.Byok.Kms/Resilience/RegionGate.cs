using Polly;
using Polly.CircuitBreaker;
using Scalr.Byok.Kms.Errors;

namespace Scalr.Byok.Kms.Resilience;

/// <summary>The circuit breaker of one key in one Region: a Region that is down is left alone for a while, and then tried again by one call.</summary>
/// <remarks>It counts outages only. Throttling is no outage, and what a customer has to mend is an answer like any other.</remarks>
internal sealed class RegionGate
{
    private readonly ResiliencePipeline _breaker;
    private readonly TimeProvider _time;
    private volatile Opening? _opening;
    private int _trials;

    public RegionGate(ByokResilienceOptions options, TimeProvider time)
    {
        _time = time;
        _breaker = new ResiliencePipelineBuilder { TimeProvider = time }.AddCircuitBreaker(new CircuitBreakerStrategyOptions
        {
            FailureRatio = options.BreakerFailureRatio,
            MinimumThroughput = options.BreakerMinimumThroughput,
            SamplingDuration = options.BreakerSamplingDuration,
            BreakDuration = options.BreakDuration,
            ShouldHandle = static arguments => ValueTask.FromResult(arguments.Outcome.Exception is ByokServiceException { Trouble: ServiceTrouble.Outage }),
            OnOpened = arguments =>
            {
                var now = time.GetUtcNow();
                _opening = new Opening(_opening?.Since ?? now, now + arguments.BreakDuration);
                return default;
            },
            OnClosed = _ =>
            {
                _opening = null;
                return default;
            },
        }).Build();
    }

    /// <summary>Since when it is open, and when it tries again; null if it is closed.</summary>
    public Opening? Open => _opening;

    /// <summary>Whether it is open, and the time has come to try the Region again.</summary>
    public bool IsDueForTrial => _opening is { } opening && _time.GetUtcNow() >= opening.Until;

    /// <exception cref="BrokenCircuitException">It is open; nothing was tried.</exception>
    public ValueTask<TResult> RunAsync<TState, TResult>(
        Func<TState, CancellationToken, ValueTask<TResult>> call, TState state, CancellationToken cancellationToken) =>
        _breaker.ExecuteAsync(call, state, cancellationToken);

    /// <summary>Takes the right to make the one trial; whoever has it gives it back with <see cref="EndTrial"/>.</summary>
    public bool TryBeginTrial() => IsDueForTrial && Interlocked.CompareExchange(ref _trials, 1, 0) == 0;

    public void EndTrial() => Volatile.Write(ref _trials, 0);

    /// <param name="Since">When it opened first, trials that failed meanwhile not counted.</param>
    /// <param name="Until">When it tries again.</param>
    internal sealed record Opening(DateTimeOffset Since, DateTimeOffset Until);
}
