using System.Security.Cryptography;
using Polly;
using Polly.CircuitBreaker;
using Polly.Retry;
using Polly.Timeout;
using Scalr.Byok.Kms.Errors;

namespace Scalr.Byok.Kms.Resilience;

/// <summary>
/// What stands between a key ring and AWS, outermost first: the total time limit, retries of what passes by itself, one retry after an answer that says
/// that the clock is off, then for each key and Region a limit of attempts at a time and a circuit breaker (<see cref="CircuitBreaker"/>), and the time limit of an attempt.
/// </summary>
/// <remarks>The AWS SDK's own retries are off (<see cref="AwsClientConfiguration"/>).</remarks>
internal sealed class AwsPipeline
{
    /// <summary>Throttling passes if one is patient: as long as the total time limit allows, more or less.</summary>
    private const int ThrottledRetries = 10;

    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(2);

    private static readonly AsyncLocal<long?> OperationBegan = new();
    private static readonly ResiliencePropertyKey<long> Began = new("began");
    private static readonly ResiliencePropertyKey<bool> ClockWasOff = new("clock-was-off");

    private readonly ByokResilienceOptions _options;
    private readonly TimeProvider _time;
    private readonly ResiliencePipeline _operation;
    private readonly ResiliencePipeline _call;
    private readonly ResiliencePipeline _attempt;

    /// <param name="options">The numbers.</param>
    /// <param name="time">The clock.</param>
    /// <param name="retries">What the host wants in the place of the retries; null for ours.</param>
    public AwsPipeline(ByokResilienceOptions options, TimeProvider time, Action<ResiliencePipelineBuilder>? retries = null)
    {
        _options = options;
        _time = time;
        var call = new ResiliencePipelineBuilder { TimeProvider = time };
        if (retries is not null)
        {
            retries(call);
        }
        else if (options.MaxRetryAttempts > 0)
        {
            call.AddRetry(Retries(ThrottledRetries, static trouble => trouble == ServiceTrouble.Throttled))
                .AddRetry(Retries(options.MaxRetryAttempts, static trouble => trouble == ServiceTrouble.Outage));
        }

        _call = call.AddRetry(ClockRetry()).Build();
        _operation = new ResiliencePipelineBuilder { TimeProvider = time }.AddTimeout(options.TotalTimeout).Build();
        _attempt = new ResiliencePipelineBuilder { TimeProvider = time }.AddTimeout(options.AttemptTimeout).Build();
    }

    /// <summary>The clock of all calls.</summary>
    public TimeProvider Time => _time;

    /// <summary>How many calls a key may have under way at a time in one Region.</summary>
    public int MaxConcurrentCalls => _options.MaxConcurrentCalls;

    /// <summary>How long one attempt may take.</summary>
    public TimeSpan AttemptTimeout => _options.AttemptTimeout;

    /// <param name="changed">Called at each change of state; null if not needed.</param>
    public CircuitBreaker CreateBreaker(Action<CircuitState, CircuitBreaker.Opening>? changed) => new(_options, _time, changed);

    /// <summary>One operation of a key ring: all its calls share the total time limit.</summary>
    /// <exception cref="TimeoutRejectedException">The total time limit is over.</exception>
    public async ValueTask<TResult> OperationAsync<TState, TResult>(
        Func<TState, CancellationToken, ValueTask<TResult>> operation, TState state, CancellationToken cancellationToken)
    {
        OperationBegan.Value = _time.GetTimestamp(); // seen by the calls inside, and by nothing else
        return await _operation.ExecuteAsync(operation, state, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>One call within an operation: attempts, until one succeeds or fails for good.</summary>
    public async ValueTask<TResult> CallAsync<TState, TResult>(
        Func<TState, CancellationToken, ValueTask<TResult>> attempt, TState state, CancellationToken cancellationToken)
    {
        var context = ResilienceContextPool.Shared.Get(continueOnCapturedContext: false, cancellationToken);
        context.Properties.Set(Began, OperationBegan.Value ?? _time.GetTimestamp());
        try
        {
            return await _call.ExecuteAsync(
                static (context, s) => s.Attempt(s.State, context.CancellationToken), context, (Attempt: attempt, State: state)).ConfigureAwait(false);
        }
        finally
        {
            ResilienceContextPool.Shared.Return(context);
        }
    }

    /// <summary>One attempt.</summary>
    /// <exception cref="TimeoutRejectedException">The time limit of an attempt is over.</exception>
    public ValueTask<TResult> AttemptAsync<TState, TResult>(
        Func<TState, CancellationToken, ValueTask<TResult>> attempt, TState state, CancellationToken cancellationToken) =>
        _attempt.ExecuteAsync(attempt, state, cancellationToken);

    private RetryStrategyOptions Retries(int count, Func<ServiceTrouble, bool> isOurs) => new()
    {
        MaxRetryAttempts = count,
        ShouldHandle = arguments => ValueTask.FromResult(arguments.Outcome.Exception is ByokServiceException { IsClockOff: false } error
            && isOurs(error.Trouble) && (error.RetryAfter is not { } pause || pause < Remaining(arguments.Context))), // no use waiting for what lies beyond the time limit
        DelayGenerator = arguments => ValueTask.FromResult<TimeSpan?>(
            Longer(BackOff(arguments.AttemptNumber), (arguments.Outcome.Exception as ByokServiceException)?.RetryAfter)),
    };

    /// <summary>From the answer that says that the clock is off, the AWS SDK has learnt by how much: the same call may work at once. Once for each call, whatever else fails.</summary>
    private static RetryStrategyOptions ClockRetry() => new()
    {
        MaxRetryAttempts = 1,
        Delay = TimeSpan.Zero,
        ShouldHandle = static arguments => ValueTask.FromResult(arguments.Outcome.Exception is ByokServiceException { IsClockOff: true }
            && !arguments.Context.Properties.TryGetValue(ClockWasOff, out _)),
        OnRetry = static arguments =>
        {
            arguments.Context.Properties.Set(ClockWasOff, true);
            return default;
        },
    };

    /// <summary>The pause doubles with each retry, up to <see cref="LongestPause"/>; of it half to all, so that callers do not come back in step.</summary>
    private TimeSpan BackOff(int retry)
    {
        var longest = _options.RetryDelay * (1 << Math.Min(retry, 20));
        return (longest < LongestPause ? longest : LongestPause) * (RandomNumberGenerator.GetInt32(500, 1001) / 1000.0);
    }

    private TimeSpan Remaining(ResilienceContext context) =>
        _options.TotalTimeout - _time.GetElapsedTime(context.Properties.GetValue(Began, defaultValue: _time.GetTimestamp()));

    private static TimeSpan Longer(TimeSpan pause, TimeSpan? other) => other > pause ? other.Value : pause;
}
