using Amazon.KeyManagementService.Model;
using Microsoft.Extensions.Logging;
using Polly.Timeout;
using Scalr.Byok.Kms.Audit;
using Scalr.Byok.Kms.Credentials;
using Scalr.Byok.Kms.Diagnostics;
using Scalr.Byok.Kms.Errors;
using Scalr.Byok.Kms.Fleet;
using Scalr.Byok.Kms.Resilience;

namespace Scalr.Byok.Kms.Kms;

/// <summary>One key of a customer in all its Regions. Requests try the Regions in order. Safe for concurrent use.</summary>
/// <remarks>
/// A replica's denial counts only if the replica accepted a request since the primary Region last answered: then the replica is what the
/// customer can still disable. Otherwise the replica may never have been granted, and its denial is part of the primary Region's outage. A
/// session that the customer revoked may also be the cause, so a session that is not new is replaced once.
/// </remarks>
internal sealed class KmsKey : IDisposable
{
    private readonly KmsRegion[] _regions;

    private readonly Replica[] _replicas;
    private readonly AwsPipeline _pipeline;
    private readonly AgeClock _clock;
    private readonly ILogger _logger;

    // Written without a lock, as are the numbers of replicas: the answers of two concurrent requests have no order.
    private long _primaryAnswered;

    /// <param name="regions">The key's own Region, then its replicas in the order of failover. Takes ownership.</param>
    /// <param name="failoverOnDenial">Whether to use another Region also when one denies.</param>
    /// <param name="pipeline">Time limits and retries.</param>
    /// <param name="clock">Orders answers.</param>
    /// <param name="logger">The log.</param>
    public KmsKey(KmsRegion[] regions, bool failoverOnDenial, AwsPipeline pipeline, AgeClock clock, ILogger logger)
    {
        _regions = regions;
        _replicas = regions.Length == 1 ? [] : new Replica[regions.Length - 1];
        for (var i = 0; i < _replicas.Length; i++)
        {
            _replicas[i].Replaced = Moment.Never.Ticks;
        }

        FailsOverOnDenial = failoverOnDenial;
        _pipeline = pipeline;
        _clock = clock;
        _logger = logger;
    }

    public KmsKeyArn Arn => _regions[0].Arn;

    public IReadOnlyList<KmsRegion> Regions => _regions;

    /// <summary>The number of requests that were sent, in all Regions.</summary>
    public long Requests => _regions.Sum(region => region.Requests);

    /// <summary>Whether another Region is used when one denies. Then one acceptance by any Region is enough.</summary>
    public bool FailsOverOnDenial { get; }

    /// <summary>Records the requests; null if the host has no audit sink.</summary>
    public RingAudit? Audit => _regions[0].Audit;

    /// <summary>Whether a role is assumed to use the key.</summary>
    public bool HasRole => _regions[0].Sessions is not null;

    /// <summary>Whether the key is used with the host's own identity: it is the platform key.</summary>
    public bool IsOfHost => _regions[0].IsOfHost;

    /// <summary>What the instances of the host share about this key; null if they share nothing.</summary>
    public FleetKey? Fleet { get; init; }

    /// <summary>Called with the action when a Region that has not answered it should be tried again.</summary>
    public Action<string>? TrialDue { get; set; }

    /// <summary>The newest session; null if there is none, or without a role.</summary>
    public AwsSession? NewestSession
    {
        get
        {
            // Each Region has its own sessions. The newest one shows when AWS STS last granted the role.
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

    /// <summary>Whether a key ARN names this key, in any Region.</summary>
    public bool IsNamedBy(KmsKeyArn arn) => arn == Arn || arn.IsReplicaOf(Arn);

    /// <summary>Runs the calls of one operation within the total time limit.</summary>
    /// <param name="operation">The operation. Its argument is the token that ends it.</param>
    /// <param name="name">The action that the exception names if the limit is exceeded before anything was tried.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <exception cref="ByokServiceException">The time limit is exceeded. Has the error of the last attempt, if there was one.</exception>
    public async Task<T> OperationAsync<T>(Func<CancellationToken, Task<T>> operation, string name, CancellationToken cancellationToken)
    {
        try
        {
            Task<T>? running = null;
            await _pipeline.OperationAsync(token => running = operation(token), cancellationToken).ConfigureAwait(false);
            return await running!.ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // With the caller's token instead of the inner one, which callers do not know.
            throw new OperationCanceledException(cancellationToken);
        }
        catch (TimeoutRejectedException e)
        {
            // RetryAsync put the last attempt's error into the cancellation that the time limit caused. It explains more than the time
            // limit.
            throw e.InnerException?.InnerException as ByokException ?? AwsErrors.Translate(e, Arn, name, sessionAction: null);
        }
    }

    /// <summary>One call of an operation: attempts in all Regions, repeated until one succeeds or the error is not transient.</summary>
    /// <param name="call">The call.</param>
    /// <param name="attempt">One attempt in one Region.</param>
    /// <param name="cancellationToken">Ends it: the caller, or the time limit of the operation.</param>
    /// <exception cref="ByokException">AWS denied the request or gave no usable answer.</exception>
    public Task RetryAsync(KmsCall call, Func<KmsRegion, CancellationToken, Task> attempt, CancellationToken cancellationToken) =>
        RetryAsync(call, token => TryRegionsAsync(call, attempt, token), cancellationToken);

    /// <summary>Describes the key in one Region by kms:DescribeKey.</summary>
    /// <exception cref="ByokException">AWS denied the request or gave no usable answer.</exception>
    public Task<KeyMetadata> DescribeAsync(KmsRegion region, CancellationToken cancellationToken) =>
        DescribeAsync(region, new KmsCall(AwsAction.DescribeKey), cancellationToken);

    /// <inheritdoc cref="DescribeAsync(KmsRegion, CancellationToken)"/>
    public Task<KeyMetadata> DescribeAsync(KmsRegion region, KmsCall call, CancellationToken cancellationToken) =>
        CallInAsync(region, call, region.DescribeAsync, cancellationToken);

    /// <summary>A whole call in one Region, with its own time limit.</summary>
    /// <exception cref="ByokException">AWS denied the request or gave no usable answer.</exception>
    public Task<T> CallInAsync<T>(
        KmsRegion region, KmsCall call, Func<KmsCall, CancellationToken, Task<T>> attempt, CancellationToken cancellationToken) =>
        OperationAsync(
            async token =>
            {
                Task<T>? last = null;
                await RetryAsync(call, t => last = attempt(call, t), token).ConfigureAwait(false);
                return await last!.ConfigureAwait(false);
            },
            call.Operation,
            cancellationToken);

    /// <summary>One attempt in each Region until one answers, without retries.</summary>
    /// <exception cref="ByokException">AWS denied the request or gave no usable answer.</exception>
    public async Task<T> TryOnceAsync<T>(
        KmsCall call, Func<KmsRegion, CancellationToken, Task<T>> attempt, CancellationToken cancellationToken)
    {
        try
        {
            Task<T>? last = null;
            await TryRegionsAsync(call, (region, token) => last = attempt(region, token), cancellationToken).ConfigureAwait(false);
            return await last!.ConfigureAwait(false);
        }
        catch (ByokException e)
        {
            throw Logged(call, e);
        }
    }

    /// <summary>Starts a new session, with one attempt per Region until one answers. Does nothing without a role.</summary>
    /// <exception cref="ByokKeyUnavailableException">AWS STS denied the role.</exception>
    /// <exception cref="ByokServiceException">AWS STS gave no usable answer. The current session stays.</exception>
    public Task RenewSessionAsync(KmsCall call, CancellationToken cancellationToken) =>
        TryOnceAsync(call, (region, token) => region.RenewSessionAsync(call, region.Sessions?.Current, token), cancellationToken);

    /// <summary>
    /// Starts a session in one Region in place of one that may be the cause of a denial. If AWS STS denies or does not answer, the session
    /// stays.
    /// </summary>
    /// <returns>The error of AWS STS, from which the caller draws its own conclusions; null if the session was replaced.</returns>
    public async Task<ByokException?> TryReplaceSessionAsync(AwsSession session, int region, CancellationToken cancellationToken)
    {
        var renewal = new KmsCall(_regions[region].Sessions!.Operation) { IsConfirmation = true, Region = region };
        try
        {
            await _regions[region].RenewSessionAsync(renewal, session, cancellationToken).ConfigureAwait(false);
            return null;
        }
        catch (ByokException e)
        {
            // Returned, not thrown: the caller is about to report the denial that led here.
            return e;
        }
    }

    /// <summary>Discards all sessions. The next request starts a new one.</summary>
    public void DiscardSessions()
    {
        foreach (var region in _regions)
        {
            // In all Regions, because they all assume the same role.
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

    private async Task RetryAsync(KmsCall call, Func<CancellationToken, Task> attempt, CancellationToken cancellationToken)
    {
        try
        {
            await _pipeline.CallAsync(
                token =>
                {
                    BeginAttempt(call);
                    return attempt(token);
                },
                cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // If the time limit of the operation ended the call, the error of the last attempt is the better explanation.
            throw new OperationCanceledException(
                "The call was cancelled.", call.LastError is { } error ? Logged(call, error) : null, cancellationToken);
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

            // The attempt may have failed at AWS STS.
            var operation = (call.LastError as ByokServiceException)?.Operation ?? call.Operation;
            Instruments.Retried(operation, Arn.Region, error);
            _logger.Retrying(operation, Arn, call.Attempts - 1, error);
        }
    }

    private async Task TryRegionsAsync(
        KmsCall call, Func<KmsRegion, CancellationToken, Task> attempt, CancellationToken cancellationToken)
    {
        ByokKeyUnavailableException? denial = null;
        ByokServiceException? outage = null;
        AwsSession? deniedSession = null;
        var deniedBy = 0;
        var skips = SkipsOpenRegions(call);
        for (var i = 0; i < _regions.Length; i++)
        {
            var region = _regions[i];

            // A Region in an outage is not waited for while another one answers.
            if (skips && region.BreakerOf(call.Operation).Open is not null)
            {
                Instruments.FailedOver(region.Arn.Region, FailoverCause.Breaker);
                outage ??= region.NotTried(call.Operation);
                continue;
            }

            call.Region = i;
            try
            {
                // Only a replica's denial may not count, so only its attempt may be repeated.
                await (i == 0
                    ? attempt(region, cancellationToken)
                    : TryReplicaAsync(call, attempt, i, cancellationToken)).ConfigureAwait(false);
                Answered(call, i, isAcceptance: true);
                return;
            }
            catch (ByokKeyUnavailableException e)
            {
                var counts = DenialCounts(i);
                Answered(call, i, isAcceptance: false);
                if (counts && !FailsOverOnDenial)
                {
                    throw;
                }

                // The first one is reported, because the Regions are in the order of preference.
                if (counts && denial is null)
                {
                    (denial, deniedBy, deniedSession) = (e, i, call.Session);
                }

                // The next Region may still accept. A denial that counts was kept above, in case none does.
                FailedOver(call, i, e);
            }
            catch (ByokServiceException e) when (e.IsTransient)
            {
                outage = outage is null || SaysMore(e, outage) ? e : outage;
                FailedOver(call, i, e);
            }
        }

        // The denial is reported for the Region that made it: only that Region, or an earlier one, can clear it.
        call.Region = deniedBy;
        if (denial is not null)
        {
            // A caller that replaces the session must replace the one that was denied.
            call.Session = deniedSession;
            throw denial;
        }

        // Not null: a denial by the key's own Region always counts, so that Region left a denial or an outage.
        throw outage!;
    }

    /// <summary>
    /// One attempt in a replica's Region. Repeated once with a new session if the denial does not count and the session is not new.
    /// </summary>
    private async Task TryReplicaAsync(
        KmsCall call, Func<KmsRegion, CancellationToken, Task> attempt, int region, CancellationToken cancellationToken)
    {
        try
        {
            await attempt(_regions[region], cancellationToken).ConfigureAwait(false);
            return;
        }
        catch (ByokKeyUnavailableException e) when (!DenialCounts(region) && MayBeOfSession(call, region, e))
        {
            // No denial by AWS STS counts here either, so only the success matters.
            if (await TryReplaceSessionAsync(call.Session!, region, cancellationToken).ConfigureAwait(false) is not null)
            {
                throw;
            }
        }

        // Once: a denial under the new session goes to the caller.
        await attempt(_regions[region], cancellationToken).ConfigureAwait(false);
    }

    // A denial of a replica in an outage of the primary Region must not erase keys: the customer may never have granted the replica.
    private bool DenialCounts(int region) =>
        region == 0 || FailsOverOnDenial || Volatile.Read(ref _replicas[region - 1].Accepted) > Volatile.Read(ref _primaryAnswered);

    /// <summary>
    /// Whether the session may be the cause of a denial. Returns true at most once per minute and Region, also if AWS STS does not answer.
    /// </summary>
    private bool MayBeOfSession(KmsCall call, int region, ByokKeyUnavailableException denial)
    {
        // One caller per minute replaces the session, however many are denied at the same time.
        ref var replaced = ref _replicas[region - 1].Replaced;
        var (now, last) = (_clock.Now, Volatile.Read(ref replaced));
        return denial is { Reason: ByokKeyUnavailableReason.AccessDenied, Operation: AwsAction.Encrypt or AwsAction.Decrypt }
            && call.Session is { } session && now - session.Begun.Ticks >= AwsSession.Young && now - last >= AwsSession.Young
            && Interlocked.CompareExchange(ref replaced, now, last) == last;
    }

    /// <summary>
    /// Whether an error is the better one to report. Throttling ranks first, because the Region answered. A request that was sent ranks
    /// before one that was not. Of equal errors, that of the first Region is reported.
    /// </summary>
    private static bool SaysMore(ByokServiceException error, ByokServiceException than)
    {
        return Rank(error) > Rank(than);

        static int Rank(ByokServiceException error) => error.FailureKind switch
        {
            ServiceFailureKind.Throttled => 3,
            ServiceFailureKind.NotTried => 0,
            ServiceFailureKind.TrialUnderWay => 1,
            _ => 2,
        };
    }

    private void Answered(KmsCall call, int region, bool isAcceptance)
    {
        // An accepted kms:DescribeKey proves neither use, so it does not count. Any denial shows that the Region answers.
        if (call.Operation is AwsAction.Encrypt or AwsAction.Decrypt || !isAcceptance)
        {
            // Taken when the answer arrives: a replica's acceptance counts only if it arrived after the primary Region's last answer.
            var order = _clock.Mark().Order;
            if (region == 0)
            {
                Volatile.Write(ref _primaryAnswered, order);
            }
            else if (isAcceptance)
            {
                Volatile.Write(ref _replicas[region - 1].Accepted, order);
            }
        }
    }

    /// <summary>Whether to skip Regions whose breaker is open: only while another Region's breaker is closed.</summary>
    private bool SkipsOpenRegions(KmsCall call)
    {
        // A confirmation tries every Region, because its answer is what closes a breaker.
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

        // If all breakers are open, no Region is skipped. Each throws its own error, which says when it is tried again.
        if (open == 0 || open == _regions.Length)
        {
            return false;
        }

        if (due)
        {
            // Runs in the background. This call goes to the Region that answers.
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
            ByokKeyUnavailableException => FailoverCause.Denied,
            ByokServiceException { FailureKind: ServiceFailureKind.Throttled } => FailoverCause.Throttled,
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

    /// <summary>Logs the exception, and returns it to be thrown.</summary>
    private ByokException Logged(KmsCall call, ByokException error)
    {
        // Names, codes and ids only: AWS's texts may repeat what was sent.
        switch (call.ExpectsDenial ? null : error)
        {
            case ByokKeyUnavailableException e:
                _logger.KeyUnavailable(e.Operation, Arn, e.Reason, e.RequestId ?? "none");
                break;
            case ByokServiceException e:
                _logger.ServiceFailed(
                    e.Operation ?? "A call to the host",
                    Arn,
                    e.InnerException?.GetType().Name ?? "an answer that cannot be used",
                    e.RequestId ?? "none");
                break;
        }

        return error;
    }

    /// <summary>What is known of a replica.</summary>
    private struct Replica
    {
        /// <summary>The order of its last acceptance. An order instead of a time, because two answers can have the same time.</summary>
        public long Accepted;

        /// <summary>When a denied session was last replaced.</summary>
        public long Replaced;
    }
}
