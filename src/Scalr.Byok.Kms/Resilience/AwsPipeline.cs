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
/// <remarks>
/// The AWS SDK's own retries are off (<see cref="AwsClientConfiguration"/>). The library's retries are Polly strategies, made and used only
/// after a first attempt has failed: a call that succeeds costs half as much without them. Its methods return no results: a caller that
/// needs one keeps the task of its last attempt. Generic methods would take longer to compile at each start of a host.
/// </remarks>
internal sealed class AwsPipeline
{
    /// <summary>The number of retries after throttling: about as many as the total time limit allows.</summary>
    private const int ThrottledRetries = 10;

    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan ShortestLateness = TimeSpan.FromMilliseconds(500);

    // Ambient, because one pipeline serves all calls, and a call does not know the operation that contains it.
    private static readonly AsyncLocal<Operation?> CurrentOperation = new();
    private static readonly ResiliencePropertyKey<long> Began = new("began");
    private static readonly ResiliencePropertyKey<bool> ClockWasOff = new("clock-was-off");

    private readonly ByokResilienceOptions _options;
    private readonly TimeProvider _time;

    // The host's strategies with the retry after a wrong clock; null for the library's own.
    private readonly ResiliencePipeline? _hosts;
    private readonly Lazy<ResiliencePipeline> _own;

    /// <param name="options">The limits.</param>
    /// <param name="time">The clock.</param>
    /// <param name="retries">The host's replacement of the retries; null for the library's own.</param>
    public AwsPipeline(ByokResilienceOptions options, TimeProvider time, Action<ResiliencePipelineBuilder>? retries = null)
    {
        _options = options;
        _time = time;

        // It replaces the library's retries, not the retry after a wrong clock.
        _hosts = retries is null ? null : Build(retries);
        _own = new Lazy<ResiliencePipeline>(() => Build(AddRetries));
    }

    /// <summary>The clock of all calls.</summary>
    public TimeProvider Time => _time;

    /// <summary>The number of concurrent attempts per key and Region.</summary>
    public int MaxConcurrentCalls => _options.MaxConcurrentCalls;

    /// <summary>The time limit of one operation.</summary>
    public TimeSpan TotalTimeout => _options.TotalTimeout;

    /// <summary>The time limit of one attempt.</summary>
    public TimeSpan AttemptTimeout => _options.AttemptTimeout;

    /// <param name="operation">An <see cref="Diagnostics.AwsAction"/> that it guards.</param>
    /// <param name="owner">Hears of each change of state; null if not needed.</param>
    public CircuitBreaker CreateBreaker(string operation, IBreakerOwner? owner) => new(_options, _time, operation, owner);

    /// <summary>One operation of a key ring: all its calls share the total time limit.</summary>
    /// <exception cref="TimeoutRejectedException">The total time limit is exceeded.</exception>
    public Task OperationAsync(Func<CancellationToken, Task> operation, CancellationToken cancellationToken) =>
        LimitedAsync(operation, TotalTimeout, isOperation: true, cancellationToken);

    /// <summary>One call within an operation: attempts, until one succeeds or its error is not transient.</summary>
    public async Task CallAsync(Func<CancellationToken, Task> attempt, CancellationToken cancellationToken)
    {
        // A call outside an operation counts from its own beginning.
        var began = CurrentOperation.Value?.Began ?? _time.GetTimestamp();
        if (_hosts is not null)
        {
            await RunAsync(_hosts, attempt, began, cancellationToken).ConfigureAwait(false);
            return;
        }

        ByokServiceException? failed;
        try
        {
            await attempt(cancellationToken).ConfigureAwait(false);
            return;
        }
        catch (ByokServiceException e)
        {
            // Only such errors are ever retried. If the caller has cancelled meanwhile, Polly throws the cancellation.
            failed = e;
        }

        // The strategies begin with the attempt that has failed.
        await RunAsync(
            _own.Value,
            token => Interlocked.Exchange(ref failed, null) is { } error ? Task.FromException(error) : attempt(token),
            began,
            cancellationToken).ConfigureAwait(false);
    }

    private static async Task RunAsync(
        ResiliencePipeline pipeline, Func<CancellationToken, Task> attempt, long began, CancellationToken cancellationToken)
    {
        // Retries and pauses need the time at which the operation began, and share what they note about the call.
        var context = ResilienceContextPool.Shared.Get(continueOnCapturedContext: false, cancellationToken);
        context.Properties.Set(Began, began);
        try
        {
            await pipeline.ExecuteAsync(
                static (context, attempt) => new ValueTask(attempt(context.CancellationToken)), context, attempt).ConfigureAwait(false);
        }
        finally
        {
            ResilienceContextPool.Shared.Return(context);
        }
    }

    /// <summary>One attempt.</summary>
    /// <exception cref="TimeoutRejectedException">The time limit of an attempt is exceeded.</exception>
    public Task AttemptAsync(Func<CancellationToken, Task> attempt, CancellationToken cancellationToken) =>
        LimitedAsync(attempt, AttemptTimeout, isOperation: false, cancellationToken);

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

    private async Task LimitedAsync(
        Func<CancellationToken, Task> action, TimeSpan limit, bool isOperation, CancellationToken cancellationToken)
    {
        if (isOperation)
        {
            // Visible to the calls inside this operation only: the runtime restores the caller's context when this method returns.
            CurrentOperation.Value = new Operation(_time.GetTimestamp());
        }

        using var ends = new CancellationTokenSource(limit, _time);
        using var link = cancellationToken.UnsafeRegister(static ends => ((CancellationTokenSource)ends!).Cancel(), ends);
        try
        {
            await action(ends.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException e) when (ends.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            throw new TimeoutRejectedException($"The call did not finish within {limit}.", limit, e);
        }
    }

    private ResiliencePipeline Build(Action<ResiliencePipelineBuilder> addOuter)
    {
        var builder = new ResiliencePipelineBuilder { TimeProvider = _time };
        addOuter(builder);

        // Innermost: it repeats at once, before the other strategies see the error. They ignore such errors, so a second one ends the call.
        return builder.AddRetry(ClockRetry()).Build();
    }

    private void AddRetries(ResiliencePipelineBuilder builder)
    {
        if (_options.MaxRetryAttempts > 0)
        {
            // Two strategies, so that retries after throttling do not use up those of an outage. The total time limit bounds both together.
            builder.AddRetry(Retries(ThrottledRetries, static trouble => trouble == ServiceFailureKind.Throttled))
                .AddRetry(Retries(
                    _options.MaxRetryAttempts, static trouble => trouble is ServiceFailureKind.Outage or ServiceFailureKind.TrialUnderWay));
        }
    }

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

    /// <param name="Began">The timestamp at which the operation began.</param>
    private sealed record Operation(long Began);
}
