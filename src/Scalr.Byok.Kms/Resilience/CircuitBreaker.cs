using Polly;
using Polly.CircuitBreaker;
using Scalr.Byok.Kms.Errors;

namespace Scalr.Byok.Kms.Resilience;

/// <summary>A Polly circuit breaker for one kind of request. It counts outages only: a denial, a rejection and throttling are answers.</summary>
/// <remarks>Nothing is allocated before the first request, since most keys of a host with thousands of customers are idle.</remarks>
internal sealed class CircuitBreaker
{
    private readonly ByokResilienceOptions _options;
    private readonly TimeProvider _time;
    private readonly Action<CircuitState, Opening>? _changed;
    private Parts? _parts;
    private volatile Opening? _open;

    /// <param name="options">The numbers.</param>
    /// <param name="time">The clock.</param>
    /// <param name="changed">Called at each change of state, with the opening that begins, lasts or ends; null if not needed.</param>
    public CircuitBreaker(ByokResilienceOptions options, TimeProvider time, Action<CircuitState, Opening>? changed)
    {
        _options = options;
        _time = time;
        _changed = changed;
    }

    /// <summary>Since when the breaker is open, and until when; null if it is closed.</summary>
    public Opening? Open => _open;

    /// <summary>Whether the breaker is open and its pause has ended.</summary>
    public bool IsTrialDue => _open is { } open && _time.GetUtcNow() >= open.Until;

    /// <summary>Sends a request.</summary>
    /// <param name="request">The request.</param>
    /// <param name="state">What it needs.</param>
    /// <param name="isConfirmation">Whether it passes an open breaker. If AWS answers, the breaker closes.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <exception cref="BrokenCircuitException">The breaker is open. Nothing was sent.</exception>
    public async ValueTask<TResult> RunAsync<TState, TResult>(
        Func<TState, CancellationToken, ValueTask<TResult>> request, TState state, bool isConfirmation, CancellationToken cancellationToken)
    {
        var parts = LazyInitializer.EnsureInitialized(ref _parts, Create);
        if (!isConfirmation || _open is null)
        {
            try
            {
                return await parts.Pipeline.ExecuteAsync(request, state, cancellationToken).ConfigureAwait(false);
            }
            catch (BrokenCircuitException) when (isConfirmation)
            {
                // It opened between the check and the request, or another request is its trial.
            }
        }

        try
        {
            var result = await request(state, cancellationToken).ConfigureAwait(false);
            await parts.Control.CloseAsync(CancellationToken.None).ConfigureAwait(false);
            return result;
        }
        catch (ByokException e) when (e is not ByokServiceException)
        {
            await parts.Control.CloseAsync(CancellationToken.None).ConfigureAwait(false);
            throw;
        }
    }

    private Parts Create()
    {
        var control = new CircuitBreakerManualControl();
        var pipeline = new ResiliencePipelineBuilder { TimeProvider = _time }.AddCircuitBreaker(new CircuitBreakerStrategyOptions
        {
            FailureRatio = _options.BreakerFailureRatio,
            MinimumThroughput = _options.BreakerMinimumThroughput,
            SamplingDuration = _options.BreakerSamplingDuration,
            BreakDuration = _options.BreakDuration,
            ManualControl = control,
            ShouldHandle = static arguments => ValueTask.FromResult(arguments.Outcome.Exception is ByokServiceException { Trouble: ServiceTrouble.Outage, IsClockOff: false }),
            OnOpened = arguments =>
            {
                var now = _time.GetUtcNow();
                var open = new Opening(_open?.Since ?? now, now + arguments.BreakDuration, arguments.Outcome.Exception ?? _open?.Error, IsFirst: _open is null);
                _open = open;
                _changed?.Invoke(CircuitState.Open, open);
                return default;
            },
            OnHalfOpened = _ =>
            {
                if (_open is { } open)
                {
                    _changed?.Invoke(CircuitState.HalfOpen, open);
                }

                return default;
            },
            OnClosed = _ =>
            {
                if (Interlocked.Exchange(ref _open, null) is { } open)
                {
                    _changed?.Invoke(CircuitState.Closed, open);
                }

                return default;
            },
        }).Build();
        return new Parts(pipeline, control);
    }

    /// <param name="Since">When it opened. Trials that failed meanwhile do not change it.</param>
    /// <param name="Until">When the next trial is due.</param>
    /// <param name="Error">The error that opened it last.</param>
    /// <param name="IsFirst">Whether it was closed before, so that this is no failed trial.</param>
    internal sealed record Opening(DateTimeOffset Since, DateTimeOffset Until, Exception? Error, bool IsFirst);

    private sealed record Parts(ResiliencePipeline Pipeline, CircuitBreakerManualControl Control);
}
