using System.Globalization;
using Amazon.Runtime;
using Microsoft.Extensions.Logging;
using Polly.CircuitBreaker;
using Scalr.Byok.Kms.Diagnostics;
using Scalr.Byok.Kms.Resilience;

namespace Scalr.Byok.Kms.Kms;

/// <summary>Runs calls to AWS on behalf of one key: within the time limits, again where that helps, with AWS's errors made ours, and logged.</summary>
internal sealed class GuardedCalls
{
    private readonly KmsKeyArn _key;
    private readonly string? _sessionAction;
    private readonly AwsPipeline _pipeline;
    private readonly ILogger _logger;
    private volatile bool _stopped;
    private bool _isDown;

    /// <param name="key">The key.</param>
    /// <param name="sessionAction">The STS action that the key's sessions begin with; null if it has none.</param>
    /// <param name="pipeline">Time limits, retries and circuit breakers.</param>
    /// <param name="logger">Told of failures.</param>
    public GuardedCalls(KmsKeyArn key, string? sessionAction, AwsPipeline pipeline, ILogger logger)
    {
        _key = key;
        _sessionAction = sessionAction;
        _pipeline = pipeline;
        _logger = logger;
        Gate = pipeline.CreateGate();
        Gate.Changed = OnBreaker;
    }

    /// <summary>The circuit breaker of the key in its Region.</summary>
    public RegionGate Gate { get; }

    /// <summary>From now on a call that fails is one whose ring was disposed.</summary>
    public void Stop() => _stopped = true;

    /// <summary>A whole call: attempts until one succeeds or fails for good, within the total time limit.</summary>
    /// <param name="step">What the call is at, kept up to date by the attempts.</param>
    /// <param name="attempt">One attempt, with the token that ends it; what AWS throws is made ours.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <exception cref="ByokException">AWS refused or could not be reached.</exception>
    public Task<TAnswer> RunAsync<TAnswer>(Step step, Func<CancellationToken, Task<TAnswer>> attempt, CancellationToken cancellationToken) =>
        CompleteAsync(step, token => TryAsync(step, attempt, token), cancellationToken);

    /// <summary>As <see cref="RunAsync"/>, for attempts that are made of <see cref="TryAsync"/>, perhaps in several Regions.</summary>
    public async Task<TAnswer> CompleteAsync<TAnswer>(Step step, Func<CancellationToken, Task<TAnswer>> attempt, CancellationToken cancellationToken)
    {
        try
        {
            return await _pipeline.CallAsync(
                static (s, token) =>
                {
                    s.Calls.BeginTry(s.Step);
                    return new ValueTask<TAnswer>(s.Attempt(token));
                },
                (Calls: this, Step: step, Attempt: attempt),
                cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            throw new OperationCanceledException(cancellationToken);
        }
        catch (Exception e) when (_stopped && (e is ByokException || AwsErrors.IsAws(e)))
        {
            throw Disposed();
        }
        catch (ByokException e)
        {
            throw Logged(e, step);
        }
        catch (Exception e) when (AwsErrors.IsAws(e))
        {
            // The total time limit. What failed before says more, if anything did.
            throw Logged(step.Trouble ?? AwsErrors.Translate(e, _key, step.Action, _sessionAction), step);
        }
    }

    /// <summary>One attempt in the key's Region, past the circuit breaker and within its time limit.</summary>
    /// <exception cref="ByokException">AWS refused or could not be reached, or the circuit breaker is open.</exception>
    public async Task<TAnswer> TryAsync<TAnswer>(Step step, Func<CancellationToken, Task<TAnswer>> attempt, CancellationToken cancellationToken)
    {
        try
        {
            return await Gate.RunAsync(
                static (s, token) => new ValueTask<TAnswer>(s.Calls.TranslatedAsync(s.Step, s.Attempt, token)),
                (Calls: this, Step: step, Attempt: attempt),
                cancellationToken).ConfigureAwait(false);
        }
        catch (BrokenCircuitException e)
        {
            AwsAttempt.BeginUnsent(step.Action, _key.Region, _pipeline.Time)?.End(AttemptOutcome.DeniedByBreaker, nameof(BrokenCircuitException), requestId: null);
            throw NotTried(step.Action, e.RetryAfter);
        }
    }

    /// <summary>Sends the one request of an attempt, measured; its outcome is known when the attempt ends.</summary>
    public Task<TAnswer> SendAsync<TClient, TAnswer>(Step step, Func<TClient, CancellationToken, Task<TAnswer>> request, TClient client, CancellationToken token)
    {
        Sends(step);
        return request(client, token).OrAbandonAsync(token);
    }

    /// <summary>As <see cref="SendAsync"/>, for an attempt that does not always send something: to be called when it does.</summary>
    public void Sends(Step step) => step.Request = AwsAttempt.Begin(step.Action, _key.Region, _pipeline.Time);

    private async Task<TAnswer> TranslatedAsync<TAnswer>(Step step, Func<CancellationToken, Task<TAnswer>> attempt, CancellationToken cancellationToken)
    {
        try
        {
            var answer = await _pipeline.AttemptAsync(
                static (attempt, token) => new ValueTask<TAnswer>(attempt(token)), attempt, cancellationToken).ConfigureAwait(false);
            step.Request?.Succeed((answer as AmazonWebServiceResponse)?.ResponseMetadata?.RequestId);
            return answer;
        }
        catch (Exception e) when (_stopped && AwsErrors.IsAws(e) && !cancellationToken.IsCancellationRequested)
        {
            step.Request?.Fail(e);
            throw Disposed(); // not tried again
        }
        catch (Exception e) when (AwsErrors.IsAws(e) && !(e is OperationCanceledException && cancellationToken.IsCancellationRequested))
        {
            var error = AwsErrors.Translate(e, _key, step.Action, _sessionAction);
            step.Trouble = error;
            step.Request?.Fail(error);
            throw error;
        }
        catch (Exception e)
        {
            step.Trouble = e as ByokException ?? step.Trouble; // an answer that cannot be used
            step.Request?.Fail(e);
            throw;
        }
    }

    private static ObjectDisposedException Disposed() => new(nameof(IByokKeyRing), "The key ring was disposed while the call was under way.");

    private void BeginTry(Step step)
    {
        if (step.Tries++ > 0)
        {
            var error = step.Trouble is { } trouble ? Failure.Of(trouble).Type : nameof(ByokServiceException);
            Instruments.Retried(step.Action, _key.Region, error);
            _logger.Retrying(step.Action, _key, step.Tries - 1, error);
        }
    }

    /// <summary>The log has when a Region is lost and when it is back, not each trial between.</summary>
    private void OnBreaker(CircuitState state, RegionGate.Opening opening)
    {
        Instruments.BreakerChanged(state switch { CircuitState.Open => "open", CircuitState.HalfOpen => "half-open", _ => "closed" }, _key.Region);
        if (state == CircuitState.Open && !_isDown)
        {
            _isDown = true;
            _logger.BreakerOpened(_key, _key.Region, opening.Since, opening.Until);
        }
        else if (state == CircuitState.Closed)
        {
            _isDown = false;
            _logger.BreakerClosed(_key, _key.Region, opening.Since);
        }
    }

    private ByokServiceException NotTried(string action, TimeSpan? after)
    {
        var opening = Gate.Open;
        return new ByokServiceException(
            $"{action} for the key {_key} was not tried: AWS has not answered in Region {_key.Region}"
            + (opening is null ? "." : string.Create(CultureInfo.InvariantCulture, $" since {opening.Since.UtcDateTime:yyyy-MM-dd HH:mm:ss} UTC; it is tried again from {opening.Until.UtcDateTime:HH:mm:ss} on."))
            + " The key itself is not to blame.")
        {
            Operation = action,
            Region = _key.Region,
            RetryAfter = after,
        };
    }

    /// <summary>Writes the exception into the log, and hands it back to be thrown.</summary>
    private ByokException Logged(ByokException error, Step step)
    {
        switch (step.IsRefusalHopedFor ? null : error)
        {
            case ByokKeyUnavailableException e:
                _logger.KeyUnavailable(e.Operation, _key, e.Reason, e.RequestId);
                break;
            case ByokServiceException e:
                _logger.ServiceFailed(e.Operation ?? "A call to the host", _key, e.InnerException?.GetType().Name ?? "an answer that cannot be used", e.RequestId);
                break;
        }

        return error;
    }

    /// <summary>What a call is at, so that a failure without an answer is told of the action that failed: AWS STS comes before AWS KMS.</summary>
    internal sealed class Step
    {
        public required string Action { get; set; }

        /// <summary>The last attempt's trouble.</summary>
        public ByokException? Trouble { get; set; }

        /// <summary>The request to AWS that is or was last under way; null if nobody listens.</summary>
        public AwsAttempt? Request { get; set; }

        /// <summary>How many attempts were begun.</summary>
        public int Tries { get; set; }

        /// <summary>Whether a refusal is good news, and so nothing for the log.</summary>
        public bool IsRefusalHopedFor { get; init; }
    }
}
