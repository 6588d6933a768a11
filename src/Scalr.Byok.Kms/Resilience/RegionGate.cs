using Polly;
using Polly.CircuitBreaker;
using Scalr.Byok.Kms.Errors;

namespace Scalr.Byok.Kms.Resilience;

/// <summary>
/// The way to one key in one Region. It lets so many attempts through at a time and no more, and it is a circuit breaker: a Region that is down is left alone for a while, and
/// then tried again by one call.
/// </summary>
/// <remarks>
/// The circuit breaker counts outages only. Throttling is no outage, and what a customer has to mend is an answer like any other. It is asked when an attempt's turn has come, so
/// that those who wait while it opens do not wait for nothing. Nothing is made before the first attempt: most keys of a host of thousands are idle.
/// </remarks>
internal sealed class RegionGate
{
    private readonly ByokResilienceOptions _options;
    private readonly TimeProvider _time;
    private Way? _way;
    private volatile Opening? _opening;
    private int _trials;

    public RegionGate(ByokResilienceOptions options, TimeProvider time)
    {
        _options = options;
        _time = time;
    }

    /// <summary>Told of every change of its state, with the opening that begins, lasts or ends.</summary>
    public Action<CircuitState, Opening>? Changed { get; set; }

    /// <summary>Since when it is open, and when it tries again; null if it is closed.</summary>
    public Opening? Open => _opening;

    /// <param name="call">The attempt.</param>
    /// <param name="state">What it needs.</param>
    /// <param name="cancellationToken">Ends it, and the wait for its turn: the total time limit.</param>
    /// <exception cref="BrokenCircuitException">It is open; nothing was tried.</exception>
    public async ValueTask<TResult> RunAsync<TState, TResult>(
        Func<TState, CancellationToken, ValueTask<TResult>> call, TState state, CancellationToken cancellationToken)
    {
        var way = LazyInitializer.EnsureInitialized(ref _way, CreateWay);
        await way.Turns.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            return await way.Breaker.ExecuteAsync(call, state, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            way.Turns.Release();
        }
    }

    /// <summary>Takes the right to make the one trial, once the time has come to try the Region again; whoever has it gives it back with <see cref="EndTrial"/>.</summary>
    public bool TryBeginTrial() => _opening is { } opening && _time.GetUtcNow() >= opening.Until && Interlocked.CompareExchange(ref _trials, 1, 0) == 0;

    public void EndTrial() => Volatile.Write(ref _trials, 0);

    private Way CreateWay() => new(new SemaphoreSlim(_options.MaxConcurrentCalls), new ResiliencePipelineBuilder { TimeProvider = _time }.AddCircuitBreaker(new CircuitBreakerStrategyOptions
    {
        FailureRatio = _options.BreakerFailureRatio,
        MinimumThroughput = _options.BreakerMinimumThroughput,
        SamplingDuration = _options.BreakerSamplingDuration,
        BreakDuration = _options.BreakDuration,
        ShouldHandle = static arguments => ValueTask.FromResult(arguments.Outcome.Exception is ByokServiceException { Trouble: ServiceTrouble.Outage, IsClockOff: false }),
        OnOpened = arguments =>
        {
            var now = _time.GetUtcNow();
            var opening = _opening = new Opening(_opening?.Since ?? now, now + arguments.BreakDuration);
            Changed?.Invoke(CircuitState.Open, opening);
            return default;
        },
        OnHalfOpened = _ =>
        {
            Changed?.Invoke(CircuitState.HalfOpen, _opening!);
            return default;
        },
        OnClosed = _ =>
        {
            var opening = _opening!;
            _opening = null;
            Changed?.Invoke(CircuitState.Closed, opening);
            return default;
        },
    }).Build());

    /// <param name="Since">When it opened first, trials that failed meanwhile not counted.</param>
    /// <param name="Until">When it tries again.</param>
    internal sealed record Opening(DateTimeOffset Since, DateTimeOffset Until);

    // The semaphore has no wait handle, so there is nothing to dispose.
    private sealed record Way(SemaphoreSlim Turns, ResiliencePipeline Breaker);
}
