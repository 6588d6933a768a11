using Polly;
using Polly.CircuitBreaker;
using Scalr.Byok.Kms.Errors;

namespace Scalr.Byok.Kms.Resilience;

/// <summary>A Polly circuit breaker for one kind of request. Counts outages only: denials, rejections and throttling are answers.</summary>
/// <remarks>
/// A time limit that the host noticed late proves nothing about AWS, so it does not count (<see cref="AwsPipeline.Lateness"/>).
/// Created with the first outage. Until then it costs nothing: most keys of a host with thousands of customers never have an outage.
/// </remarks>
internal sealed class CircuitBreaker
{
    private readonly ByokResilienceOptions _options;
    private readonly TimeProvider _time;
    private readonly string _operation;
    private readonly IBreakerOwner? _owner;
    private Parts? _parts;

    // Written by Polly's callbacks only. Polly's ScheduledTaskExecutor runs them in order and never two at a time.
    private volatile Opening? _open;

    /// <param name="options">The limits.</param>
    /// <param name="time">The clock.</param>
    /// <param name="operation">An <see cref="Diagnostics.AwsAction"/> that it guards.</param>
    /// <param name="owner">Hears of each change of state; null if not needed.</param>
    public CircuitBreaker(ByokResilienceOptions options, TimeProvider time, string operation, IBreakerOwner? owner)
    {
        _options = options;
        _time = time;
        _operation = operation;
        _owner = owner;
    }

    /// <summary>When the breaker opened, and until when it is open; null if it is closed.</summary>
    public Opening? Open => _open;

    /// <summary>Whether the breaker is open and its pause is over.</summary>
    // By the wall clock: it only decides when to try again. The use of a data key is decided by the age clock alone.
    public bool IsTrialDue => _open is { } open && _time.GetUtcNow() >= open.Until;

    /// <summary>Sends a request.</summary>
    /// <param name="request">The request.</param>
    /// <param name="isConfirmation">Whether the request passes an open breaker. If AWS answers it, the breaker closes.</param>
    /// <param name="cancellationToken">Ends the request.</param>
    /// <exception cref="BrokenCircuitException">The breaker is open. Nothing was sent.</exception>
    public async Task RunAsync(Func<CancellationToken, Task> request, bool isConfirmation, CancellationToken cancellationToken)
    {
        // Before the first outage, requests run without Polly. Several can fail at the same time, and each failure is counted below.
        if (Volatile.Read(ref _parts) is not { } parts)
        {
            try
            {
                await request(cancellationToken).ConfigureAwait(false);
                return;
            }
            catch (ByokServiceException e) when (Counts(e))
            {
                // All threads get the instance that was stored first, so no count is lost.
                await CountAsync(LazyInitializer.EnsureInitialized(ref _parts, Create), e).ConfigureAwait(false);
                throw;
            }
        }

        // A confirmation passes an open breaker: uses of the key depend on it, and an answer closes the breaker.
        if (!isConfirmation || _open is null)
        {
            try
            {
                await parts.Pipeline.ExecuteAsync(
                    static (request, token) => new ValueTask(request(token)), request, cancellationToken).ConfigureAwait(false);
                return;
            }
            catch (BrokenCircuitException) when (isConfirmation)
            {
                // The breaker opened between the check and the request, or another request is its trial.
            }
        }

        try
        {
            // Without Polly. A failure is not counted here, because the breaker is open already.
            await request(cancellationToken).ConfigureAwait(false);

            // Without the caller's token: AWS has answered, whether the caller still waits or not.
            await parts.Control.CloseAsync(CancellationToken.None).ConfigureAwait(false);
        }
        catch (ByokException e) when (e is not ByokServiceException)
        {
            // A denial or a rejection is an answer too, so it closes the breaker.
            await parts.Control.CloseAsync(CancellationToken.None).ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Counts the error of a request that was sent before the pipeline existed.</summary>
    private static async ValueTask CountAsync(Parts parts, ByokServiceException error)
    {
        try
        {
            await parts.Pipeline.ExecuteAsync(
                static (error, _) => ValueTask.FromException(error), error, CancellationToken.None).ConfigureAwait(false);
        }
        catch (Exception e) when (ReferenceEquals(e, error) || e is BrokenCircuitException)
        {
            // The caller throws the error. Other requests may have opened the breaker already.
        }
    }

    private static bool Counts(ByokServiceException error) =>
        // A wrong clock, a late timer and an issuer that is out are failures of the host. They must not stop requests to a Region that
        // answers.
        error is { FailureKind: ServiceFailureKind.Outage, IsClockOff: false, IsHostLate: false, IsOfHost: false };

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
            ShouldHandle = static arguments => ValueTask.FromResult(arguments.Outcome.Exception is ByokServiceException e && Counts(e)),
            OnOpened = arguments =>
            {
                var now = _time.GetUtcNow();
                var open = new Opening(
                    // A failed trial opens the breaker again. The outage began at the first opening.
                    _open?.Since ?? now,
                    now + arguments.BreakDuration,
                    arguments.Outcome.Exception ?? _open?.Error,
                    IsFirst: _open is null);
                _open = open;
                _owner?.BreakerChanged(_operation, CircuitState.Open, open);
                return default;
            },
            OnHalfOpened = _ =>
            {
                if (_open is { } open)
                {
                    _owner?.BreakerChanged(_operation, CircuitState.HalfOpen, open);
                }

                return default;
            },
            OnClosed = _ =>
            {
                // Exchanged, so that the end of one opening is reported once.
                if (Interlocked.Exchange(ref _open, null) is { } open)
                {
                    _owner?.BreakerChanged(_operation, CircuitState.Closed, open);
                }

                return default;
            },
        }).Build();
        return new Parts(pipeline, control);
    }

    /// <param name="Since">When it opened. Failed trials do not change it.</param>
    /// <param name="Until">When the next trial is due.</param>
    /// <param name="Error">The error that last opened it.</param>
    /// <param name="IsFirst">Whether it was closed before; false for a failed trial.</param>
    internal sealed record Opening(DateTimeOffset Since, DateTimeOffset Until, Exception? Error, bool IsFirst);

    private sealed record Parts(ResiliencePipeline Pipeline, CircuitBreakerManualControl Control);
}
