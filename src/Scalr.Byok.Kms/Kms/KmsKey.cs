using Amazon.KeyManagementService.Model;
using Microsoft.Extensions.Logging;
using Polly.Timeout;
using Scalr.Byok.Kms.Credentials;
using Scalr.Byok.Kms.Diagnostics;
using Scalr.Byok.Kms.Errors;
using Scalr.Byok.Kms.Resilience;

namespace Scalr.Byok.Kms.Kms;

/// <summary>One key of a customer in all its Regions. Requests try the Regions in order. Safe for concurrent use.</summary>
/// <remarks>
/// A replica's denial counts only if the replica accepted a request since the primary Region last answered: then the replica is what the customer can still switch off.
/// Otherwise the replica may just never have been granted, and its denial is part of the primary Region's outage.
/// </remarks>
internal sealed class KmsKey : IDisposable
{
    private readonly KmsRegion[] _regions;
    private readonly long[] _accepted; // by Region: the order of its last acceptance
    private readonly AwsPipeline _pipeline;
    private readonly AgeClock _clock;
    private readonly ILogger _logger;
    private long _primaryAnswered;

    /// <param name="regions">The key's own Region, then its replicas in the order in which they take over. Owned from now on.</param>
    /// <param name="failoverOnDenial">Whether another Region is used when one denies, too.</param>
    /// <param name="pipeline">Time limits and retries.</param>
    /// <param name="clock">Orders answers.</param>
    /// <param name="logger">The log.</param>
    public KmsKey(KmsRegion[] regions, bool failoverOnDenial, AwsPipeline pipeline, AgeClock clock, ILogger logger)
    {
        _regions = regions;
        _accepted = new long[regions.Length];
        FailsOverOnDenial = failoverOnDenial;
        _pipeline = pipeline;
        _clock = clock;
        _logger = logger;
    }

    public KmsKeyArn Arn => _regions[0].Arn;

    public IReadOnlyList<KmsRegion> Regions => _regions;

    /// <summary>Whether another Region is used when one denies, so that one acceptance by any Region is enough.</summary>
    public bool FailsOverOnDenial { get; }

    /// <summary>Whether a role is assumed to use the key.</summary>
    public bool HasRole => _regions[0].Sessions is not null;

    /// <summary>Called with the action when it is time to try a Region again that has not answered it.</summary>
    public Action<string>? TrialDue { get; set; }

    /// <summary>The newest session; null if there is none, or where no role is assumed.</summary>
    public AwsSession? NewestSession
    {
        get
        {
            AwsSession? newest = null;
            foreach (var region in _regions)
            {
                if (region.Sessions?.Current is { } session && (newest is null || session.Begun.IsAfter(newest.Begun)))
                {
                    newest = session;
                }
            }

            return newest;
        }
    }

    /// <summary>Whether a key ARN names this key, in whatever Region.</summary>
    public bool IsNamedBy(KmsKeyArn arn) => arn == Arn || arn.IsReplicaOf(Arn);

    /// <summary>Runs the calls of one operation within the total time limit.</summary>
    /// <param name="operation">The operation. Its argument is the token that ends it.</param>
    /// <param name="name">The action that is named if the limit is over before anything was tried.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <exception cref="ByokServiceException">The time limit is over. The error of the last attempt, if there was one.</exception>
    public async Task<T> OperationAsync<T>(Func<CancellationToken, Task<T>> operation, string name, CancellationToken cancellationToken)
    {
        try
        {
            return await _pipeline.OperationAsync(
                static (operation, token) => new ValueTask<T>(operation(token)), operation, cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            throw new OperationCanceledException(cancellationToken);
        }
        catch (TimeoutRejectedException e)
        {
            throw e.InnerException?.InnerException as ByokException ?? AwsErrors.Translate(e, Arn, name, sessionAction: null);
        }
    }

    /// <summary>One call of an operation: attempts in all Regions, retried until one succeeds or fails for good.</summary>
    /// <param name="call">The call.</param>
    /// <param name="attempt">One attempt in one Region.</param>
    /// <param name="cancellationToken">Ends it: the caller, or the time limit of the operation.</param>
    /// <exception cref="ByokException">AWS denied the request or gave no usable answer.</exception>
    public Task<T> RetryAsync<T>(KmsCall call, Func<KmsRegion, CancellationToken, Task<T>> attempt, CancellationToken cancellationToken) =>
        RetryAsync(call, token => TryRegionsAsync(call, attempt, token), cancellationToken);

    /// <summary>Describes the key in one Region by kms:DescribeKey.</summary>
    /// <exception cref="ByokException">AWS denied the request or gave no usable answer.</exception>
    public Task<KeyMetadata> DescribeAsync(KmsRegion region, CancellationToken cancellationToken) =>
        CallInAsync(region, new KmsCall(AwsAction.DescribeKey), region.DescribeAsync, cancellationToken);

    /// <summary>A whole call in one Region, with a time limit of its own.</summary>
    /// <exception cref="ByokException">AWS denied the request or gave no usable answer.</exception>
    public Task<T> CallInAsync<T>(KmsRegion region, KmsCall call, Func<KmsCall, CancellationToken, Task<T>> attempt, CancellationToken cancellationToken) =>
        OperationAsync(token => RetryAsync(call, t => attempt(call, t), token), call.Operation, cancellationToken);

    /// <summary>One attempt in each Region until one answers, without retries.</summary>
    /// <exception cref="ByokException">AWS denied the request or gave no usable answer.</exception>
    public async Task<T> TryOnceAsync<T>(KmsCall call, Func<KmsRegion, CancellationToken, Task<T>> attempt, CancellationToken cancellationToken)
    {
        try
        {
            return await TryRegionsAsync(call, attempt, cancellationToken).ConfigureAwait(false);
        }
        catch (ByokException e)
        {
            throw Logged(call, e);
        }
    }

    /// <summary>Begins a new session, one attempt in each Region until one answers. Does nothing where no role is assumed.</summary>
    /// <exception cref="ByokKeyUnavailableException">AWS STS denied the role.</exception>
    /// <exception cref="ByokServiceException">AWS STS gave no usable answer. The present session stays.</exception>
    public Task RenewSessionAsync(KmsCall call, CancellationToken cancellationToken) =>
        TryOnceAsync(call, (region, token) => region.RenewSessionAsync(call, region.Sessions?.Current, token), cancellationToken);

    /// <summary>Discards all sessions, so that the next request begins a new one.</summary>
    public void DiscardSessions()
    {
        foreach (var region in _regions)
        {
            region.Sessions?.Discard();
        }
    }

    public void Dispose()
    {
        foreach (var region in _regions)
        {
            region.Dispose();
        }
    }

    private async Task<T> RetryAsync<T>(KmsCall call, Func<CancellationToken, Task<T>> attempt, CancellationToken cancellationToken)
    {
        try
        {
            return await _pipeline.CallAsync(
                static (s, token) =>
                {
                    s.This.BeginAttempt(s.call);
                    return new ValueTask<T>(s.attempt(token));
                },
                (This: this, call, attempt),
                cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // If this is the time limit of the operation, the error of the last attempt says more.
            throw new OperationCanceledException("The call was cancelled.", call.LastError is { } error ? Logged(call, error) : null, cancellationToken);
        }
        catch (ByokException e)
        {
            throw Logged(call, e);
        }
    }

    private void BeginAttempt(KmsCall call)
    {
        if (call.Attempts++ > 0)
        {
            var error = call.LastError is { } last ? Failure.Of(last).Type : nameof(ByokServiceException);
            var operation = (call.LastError as ByokServiceException)?.Operation ?? call.Operation; // a session may have failed
            Instruments.Retried(operation, Arn.Region, error);
            _logger.Retrying(operation, Arn, call.Attempts - 1, error);
        }
    }

    private async Task<T> TryRegionsAsync<T>(KmsCall call, Func<KmsRegion, CancellationToken, Task<T>> attempt, CancellationToken cancellationToken)
    {
        ByokKeyUnavailableException? denial = null;
        ByokServiceException? outage = null;
        AwsSession? deniedSession = null;
        var deniedBy = 0;
        var skips = SkipsOpenRegions(call);
        for (var i = 0; i < _regions.Length; i++)
        {
            var region = _regions[i];
            if (skips && region.BreakerOf(call.Operation).Open is not null)
            {
                Instruments.FailedOver(region.Arn.Region, FailoverCause.Breaker);
                outage ??= region.NotTried(call.Operation);
                continue;
            }

            call.Region = i;
            try
            {
                var answer = await attempt(region, cancellationToken).ConfigureAwait(false);
                Answered(call, i, isAcceptance: true);
                return answer;
            }
            catch (ByokKeyUnavailableException e)
            {
                var counts = i == 0 || FailsOverOnDenial || Volatile.Read(ref _accepted[i]) > Volatile.Read(ref _primaryAnswered);
                Answered(call, i, isAcceptance: false);
                if (counts && !FailsOverOnDenial)
                {
                    throw;
                }

                if (counts && denial is null)
                {
                    (denial, deniedBy, deniedSession) = (e, i, call.Session);
                }

                FailedOver(call, i, e);
            }
            catch (ByokServiceException e) when (e.IsTransient)
            {
                // Of several Regions that are out, the key's own says most. But one that throttles has answered.
                outage = outage is null || (e.Trouble == ServiceTrouble.Throttled && outage.Trouble != ServiceTrouble.Throttled) ? e : outage;
                FailedOver(call, i, e);
            }
        }

        call.Region = deniedBy;
        if (denial is not null)
        {
            call.Session = deniedSession; // whoever asks why must ask with the session that was denied
            throw denial;
        }

        throw outage!;
    }

    private void Answered(KmsCall call, int region, bool isAcceptance)
    {
        if (call.Operation is AwsAction.Encrypt or AwsAction.Decrypt || !isAcceptance)
        {
            var order = _clock.Mark().Order;
            if (region == 0)
            {
                Volatile.Write(ref _primaryAnswered, order);
            }

            if (isAcceptance)
            {
                Volatile.Write(ref _accepted[region], order);
            }
        }
    }

    /// <summary>Whether Regions whose breaker is open are skipped: if one is open and another is not.</summary>
    private bool SkipsOpenRegions(KmsCall call)
    {
        if (_regions.Length == 1 || call.IsConfirmation || call.Operation is not (AwsAction.Encrypt or AwsAction.Decrypt))
        {
            return false;
        }

        var (open, due) = (0, false);
        foreach (var region in _regions)
        {
            var breaker = region.BreakerOf(call.Operation);
            open += breaker.Open is null ? 0 : 1;
            due |= breaker.IsTrialDue;
        }

        if (open == 0 || open == _regions.Length)
        {
            return false;
        }

        if (due)
        {
            TrialDue?.Invoke(call.Operation);
        }

        return true;
    }

    private void FailedOver(KmsCall call, int region, ByokException error)
    {
        if (region + 1 == _regions.Length)
        {
            return;
        }

        var (from, to) = (_regions[region].Arn, _regions[region + 1].Arn.Region);
        var cause = error switch
        {
            ByokKeyUnavailableException => FailoverCause.Refused,
            ByokServiceException { Trouble: ServiceTrouble.Throttled } => FailoverCause.Throttled,
            _ => FailoverCause.Outage,
        };
        Instruments.FailedOver(from.Region, cause);
        if (error is ByokKeyUnavailableException denial)
        {
            _logger.FailedOverDenial(call.Operation, from, denial.Reason, to);
        }
        else
        {
            _logger.FailedOver(call.Operation, from, cause, to);
        }
    }

    /// <summary>Writes the exception into the log, and hands it back to be thrown.</summary>
    private ByokException Logged(KmsCall call, ByokException error)
    {
        switch (call.ExpectsDenial ? null : error)
        {
            case ByokKeyUnavailableException e:
                _logger.KeyUnavailable(e.Operation, Arn, e.Reason, e.RequestId);
                break;
            case ByokServiceException e:
                _logger.ServiceFailed(e.Operation ?? "A call to the host", Arn, e.InnerException?.GetType().Name ?? "an answer that cannot be used", e.RequestId);
                break;
        }

        return error;
    }
}
