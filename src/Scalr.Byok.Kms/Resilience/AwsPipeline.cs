using System.Globalization;
using System.Security.Cryptography;
using Polly;
using Polly.CircuitBreaker;
using Polly.Retry;
using Polly.Timeout;
using Scalr.Byok.Kms.Errors;

namespace Scalr.Byok.Kms.Resilience;

/// <summary>
/// The protection of calls to AWS, outermost first: the total time limit, retries of transient failures, one retry after an answer about a
/// wrong clock. Then, per key and Region, a limit of concurrent attempts, the circuit breaker (<see cref="CircuitBreaker"/>) and the time
/// limit of an attempt.
/// </summary>
/// <remarks>The AWS SDK's own retries are off (<see cref="AwsClientConfiguration"/>).</remarks>
internal sealed class AwsPipeline
{
    /// <summary>The number of retries after throttling: about as many as the total time limit allows.</summary>
    private const int ThrottledRetries = 10;

    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan ShortestLateness = TimeSpan.FromMilliseconds(500);

    // Ambient, because one pipeline serves all calls, and a call does not know the operation that contains it.
    private static readonly AsyncLocal<long?> OperationBegan = new();
    private static readonly ResiliencePropertyKey<long> Began = new("began");
    private static readonly ResiliencePropertyKey<bool> ClockWasOff = new("clock-was-off");

    private readonly ByokResilienceOptions _options;
    private readonly TimeProvider _time;
    private readonly ResiliencePipeline _operation;
    private readonly ResiliencePipeline _call;
    private readonly ResiliencePipeline _attempt;

    /// <param name="options">The limits.</param>
    /// <param name="time">The clock.</param>
    /// <param name="retries">The host's replacement of the retries; null for the library's own.</param>
    public AwsPipeline(ByokResilienceOptions options, TimeProvider time, Action<ResiliencePipelineBuilder>? retries = null)
    {
        _options = options;
        _time = time;
        var call = new ResiliencePipelineBuilder { TimeProvider = time };
        if (retries is not null)
        {
            // First, so outermost. It replaces the library's retries, not the retry after a wrong clock.
            retries(call);
        }
        else if (options.MaxRetryAttempts > 0)
        {
            // Two strategies, so that retries after throttling do not use up those of an outage. The total time limit bounds both together.
            call.AddRetry(Retries(ThrottledRetries, static trouble => trouble == ServiceFailureKind.Throttled))
                .AddRetry(Retries(
                    options.MaxRetryAttempts, static trouble => trouble is ServiceFailureKind.Outage or ServiceFailureKind.TrialUnderWay));
        }

        // Innermost: it repeats at once, before the other strategies see the error. They ignore such errors, so a second one ends the call.
        _call = call.AddRetry(ClockRetry()).Build();
        _operation = new ResiliencePipelineBuilder { TimeProvider = time }.AddTimeout(options.TotalTimeout).Build();
        _attempt = new ResiliencePipelineBuilder { TimeProvider = time }.AddTimeout(options.AttemptTimeout).Build();
    }

    /// <summary>The clock of all calls.</summary>
    public TimeProvider Time => _time;

    /// <summary>The number of concurrent attempts per key and Region.</summary>
    public int MaxConcurrentCalls => _options.MaxConcurrentCalls;

    /// <summary>The time limit of one operation.</summary>
    public TimeSpan TotalTimeout => _options.TotalTimeout;

    /// <summary>The time limit of one attempt.</summary>
    public TimeSpan AttemptTimeout => _options.AttemptTimeout;

    /// <param name="changed">Called at each change of state; null if not needed.</param>
    public CircuitBreaker CreateBreaker(Action<CircuitState, CircuitBreaker.Opening>? changed) => new(_options, _time, changed);

    /// <summary>One operation of a key ring: all its calls share the total time limit.</summary>
    /// <exception cref="TimeoutRejectedException">The total time limit is exceeded.</exception>
    public async ValueTask<TResult> OperationAsync<TState, TResult>(
        Func<TState, CancellationToken, ValueTask<TResult>> operation, TState state, CancellationToken cancellationToken)
    {
        // Visible to the calls inside this operation only: the runtime restores the caller's context when this method returns.
        OperationBegan.Value = _time.GetTimestamp();
        return await _operation.ExecuteAsync(operation, state, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>One call within an operation: attempts, until one succeeds or its error is not transient.</summary>
    public async ValueTask<TResult> CallAsync<TState, TResult>(
        Func<TState, CancellationToken, ValueTask<TResult>> attempt, TState state, CancellationToken cancellationToken)
    {
        // Retries and pauses need the time at which the operation began, and share what they note about the call.
        var context = ResilienceContextPool.Shared.Get(continueOnCapturedContext: false, cancellationToken);

        // A call outside an operation counts from its own beginning.
        context.Properties.Set(Began, OperationBegan.Value ?? _time.GetTimestamp());
        try
        {
            return await _call.ExecuteAsync(
                static (context, s) => s.Attempt(s.State, context.CancellationToken),
                context,
                (Attempt: attempt, State: state)).ConfigureAwait(false);
        }
        finally
        {
            ResilienceContextPool.Shared.Return(context);
        }
    }

    /// <summary>One attempt.</summary>
    /// <exception cref="TimeoutRejectedException">The time limit of an attempt is exceeded.</exception>
    public ValueTask<TResult> AttemptAsync<TState, TResult>(
        Func<TState, CancellationToken, ValueTask<TResult>> attempt, TState state, CancellationToken cancellationToken) =>
        _attempt.ExecuteAsync(attempt, state, cancellationToken);

    /// <summary>How much later than its time limit an attempt ended. Zero if the delay is normal for a timer.</summary>
    /// <remarks>
    /// The timer of the limit needs a free thread, and so does the answer. If the timer ran late, no thread was free, and AWS may have
    /// answered in time. Such an attempt proves nothing about AWS, so circuit breakers do not count it.
    /// </remarks>
    /// <param name="began">The timestamp at which the attempt began.</param>
    public TimeSpan Lateness(long began)
    {
        var late = _time.GetElapsedTime(began) - AttemptTimeout;
        return late > Longer(AttemptTimeout / 2, ShortestLateness) ? late : TimeSpan.Zero;
    }

    /// <summary>The text about an attempt that reached its time limit.</summary>
    /// <param name="limit">The time limit.</param>
    /// <param name="late">How late it was noticed; zero if it was in time.</param>
    /// <param name="address">The address that was called (<see cref="NetworkFailure.AddressOf"/>); null if it is not known.</param>
    public static string DidNotFinish(TimeSpan limit, TimeSpan late, string? address = null)
    {
        var more = late > TimeSpan.Zero ? Noticed(late) : address is null ? "" : $" at {address}";
        return string.Create(CultureInfo.InvariantCulture, $"did not finish within {limit.TotalSeconds:0.###} s{more}");
    }

    private static string Noticed(TimeSpan late) => string.Create(
        CultureInfo.InvariantCulture, $", which this host noticed {late.TotalSeconds:0.#} s late because it had no free thread");

    private RetryStrategyOptions Retries(int count, Func<ServiceFailureKind, bool> isOurs) => new()
    {
        MaxRetryAttempts = count,
        ShouldHandle = arguments => ValueTask.FromResult(arguments.Outcome.Exception is ByokServiceException { IsClockOff: false } error
            // a pause beyond the time limit would only delay the error
            && isOurs(error.FailureKind) && (error.RetryAfter is not { } pause || pause < Remaining(arguments.Context))),
        // The pause that AWS asks for is never shortened: a request that comes sooner is throttled again.
        DelayGenerator = arguments => ValueTask.FromResult<TimeSpan?>(
            Longer(BackOff(arguments.AttemptNumber), (arguments.Outcome.Exception as ByokServiceException)?.RetryAfter)),
    };

    /// <summary>
    /// The retry after an answer about a wrong clock. The AWS SDK has learned the difference from that answer, so the same call may succeed
    /// at once. Once per call, whatever else fails.
    /// </summary>
    private static RetryStrategyOptions ClockRetry() => new()
    {
        MaxRetryAttempts = 1,
        Delay = TimeSpan.Zero,
        ShouldHandle = static arguments => ValueTask.FromResult(arguments.Outcome.Exception is ByokServiceException { IsClockOff: true }
            && !arguments.Context.Properties.TryGetValue(ClockWasOff, out _)),
        // The outer strategies run this one again. The note limits it to once per call.
        OnRetry = static arguments =>
        {
            arguments.Context.Properties.Set(ClockWasOff, true);
            return default;
        },
    };

    /// <summary>
    /// The pause doubles with each retry, up to <see cref="LongestPause"/>. It is randomly reduced by up to half, so that callers do not
    /// return at the same time.
    /// </summary>
    private TimeSpan BackOff(int retry)
    {
        var longest = _options.RetryDelay * (1 << Math.Min(retry, 20));
        return (longest < LongestPause ? longest : LongestPause) * (RandomNumberGenerator.GetInt32(500, 1001) / 1000.0);
    }

    private TimeSpan Remaining(ResilienceContext context) =>
        _options.TotalTimeout - _time.GetElapsedTime(context.Properties.GetValue(Began, defaultValue: _time.GetTimestamp()));

    private static TimeSpan Longer(TimeSpan pause, TimeSpan? other) => other > pause ? other.Value : pause;
}
