using Microsoft.Extensions.Logging;
using Scalr.Byok.Kms.Diagnostics;
using Scalr.Byok.Kms.Resilience;

namespace Scalr.Byok.Kms.Kms;

/// <summary>Runs calls to AWS on behalf of one key: within the time limits, with AWS's errors made ours, and logged.</summary>
internal sealed class GuardedCalls
{
    private readonly KmsKeyArn _key;
    private readonly string? _sessionAction;
    private readonly AwsPipeline _pipeline;
    private readonly ILogger _logger;
    private volatile bool _stopped;

    /// <param name="key">The key.</param>
    /// <param name="sessionAction">The STS action that the key's sessions begin with; null if it has none.</param>
    /// <param name="pipeline">Time limits.</param>
    /// <param name="logger">Told of failures.</param>
    public GuardedCalls(KmsKeyArn key, string? sessionAction, AwsPipeline pipeline, ILogger logger)
    {
        _key = key;
        _sessionAction = sessionAction;
        _pipeline = pipeline;
        _logger = logger;
    }

    /// <summary>From now on a call that fails is one whose ring was disposed.</summary>
    public void Stop() => _stopped = true;

    /// <param name="step">What the call is at, kept up to date by the attempt.</param>
    /// <param name="attempt">The call, with the token that ends it.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <exception cref="ByokException">AWS refused or could not be reached.</exception>
    public async Task<TAnswer> RunAsync<TAnswer>(Step step, Func<CancellationToken, Task<TAnswer>> attempt, CancellationToken cancellationToken)
    {
        try
        {
            return await _pipeline.ExecuteAsync(attempt, static (attempt, token) => attempt(token), cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            throw new OperationCanceledException(cancellationToken);
        }
        catch (Exception e) when (_stopped && AwsErrors.IsAws(e))
        {
            throw new ObjectDisposedException(nameof(IByokKeyRing), "The key ring was disposed while the call was under way.");
        }
        catch (Exception e) when (AwsErrors.IsAws(e))
        {
            var error = AwsErrors.Translate(e, _key, step.Action, _sessionAction);
            throw step.IsRefusalHopedFor ? error : Logged(error);
        }
        catch (ByokServiceException e)
        {
            throw Logged(e);
        }
    }

    /// <summary>Writes the exception into the log, and hands it back to be thrown.</summary>
    public ByokException Logged(ByokException error)
    {
        switch (error)
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

        /// <summary>Whether a refusal is good news, and so nothing for the log.</summary>
        public bool IsRefusalHopedFor { get; init; }
    }
}
