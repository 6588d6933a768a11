using Scalr.Byok.Kms.Audit;
using Scalr.Byok.Kms.Credentials;
using Scalr.Byok.Kms.Diagnostics;
using Scalr.Byok.Kms.Errors;
using Scalr.Byok.Kms.Kms;
using Scalr.Byok.Kms.Resilience;

namespace Scalr.Byok.Kms.DataKeys;

/// <content>Asks AWS for facts: confirmations, checks of the role, and what an AccessDenied means.</content>
internal sealed partial class KeyAccess
{
    /// <summary>How many data keys are renewed at a time in the background.</summary>
    private const int MostRenewals = 4;

    // Created on first use: most keys of a host with thousands of customers are idle.
    private SingleFlight<ByokException?>? _confirming;
    private SingleFlight<ByokException?>? _checkingRole;

    // Guarded by the lock, as are the numbers below.
    private Moment _analysed = Moment.Never;
    private long _roleAsked = Moment.Never.Ticks; // by health
    private int _renewals; // under way

    // When a use that could not wait last began an attempt in spite of a pause: of requests to AWS KMS and of role checks.
    private long _urgent = Moment.Never.Ticks;
    private long _urgentRole = Moment.Never.Ticks;

    private enum Answer
    {
        Accepted,
        AccessDenied,
        Denied,
        Rejected,
        Outage,
    }

    private SingleFlight<ByokException?> Confirming =>
        LazyInitializer.EnsureInitialized(ref _confirming, () => new SingleFlight<ByokException?>(_work));

    private SingleFlight<ByokException?> CheckingRole =>
        LazyInitializer.EnsureInitialized(ref _checkingRole, () => new SingleFlight<ByokException?>(_work));

    private bool IsConfirming => Volatile.Read(ref _confirming)?.IsRunning == true;

    private bool IsCheckingRole => Volatile.Read(ref _checkingRole)?.IsRunning == true;

    /// <summary>Starts a renewal of a data key's own acceptance in the background, if it is late in its lifetime.</summary>
    public void RenewIfLate(Origin origin, long now)
    {
        if (now - origin.Accepted >= _limits.MaxAge * _ahead)
        {
            StartRenewal(origin);
        }
    }

    /// <summary>Confirms reading for a data key that was just wrapped. A failure is ignored: writing does not need it.</summary>
    public async Task TryConfirmReadingAsync(Origin origin, CancellationToken cancellationToken)
    {
        var seen = See(KeyUse.Read);
        if (seen.Denial is null && _clock.Now - seen.Accepted >= _limits.Interval)
        {
            await ConfirmAsync(seen, origin).WaitAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>
    /// The failure that health reports: a denial that AWS has repeated within the interval, or a failure of the host to begin a session.
    /// Null if reading and writing are not denied.
    /// </summary>
    /// <param name="context">An encryption context to try, if the ring has none yet.</param>
    /// <param name="contextId">Its identity.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public async Task<ByokException?> CheckHealthAsync(
        IReadOnlyDictionary<string, string> context, ReadOnlyMemory<byte> contextId, CancellationToken cancellationToken)
    {
        foreach (var action in (int[])[Decrypt, Encrypt])
        {
            var facts = _facts[action];
            bool asks;

            // Claimed under the lock: health checks that run at the same time ask AWS once per interval, not once each.
            lock (_gate)
            {
                asks = (facts.Denial is not null || facts.IsSuspect) && _clock.Now - facts.HealthAsked >= _limits.Interval;
                facts.HealthAsked = asks ? _clock.Now : facts.HealthAsked;
            }

            if (asks)
            {
                // Any accepted context will do. Without one, ProveAsync uses this context, and first wraps a data key if it needs a
                // ciphertext.
                var known = facts.Last ?? _facts[Encrypt].Last ?? new Origin(default, context, contextId, Moment.Never);
                await ProveSharedAsync(action, known, cancellationToken).ConfigureAwait(false);
            }
        }

        if (HostFailure is not null)
        {
            bool asks;
            var seen = See(KeyUse.Read);
            lock (_gate)
            {
                asks = _clock.Now - _roleAsked >= _limits.Interval;
                _roleAsked = asks ? _clock.Now : _roleAsked;
            }

            if (asks)
            {
                await CheckRoleAsync(seen).WaitAsync(cancellationToken).ConfigureAwait(false);
            }
        }

        return StandingDenial ?? (ByokException?)HostFailure;
    }

    /// <summary>
    /// The error of the last attempt to begin a session, if the host itself caused it. Null otherwise, also in an outage of AWS STS.
    /// </summary>
    private ByokServiceException? HostFailure
    {
        get
        {
            lock (_gate)
            {
                return _roleFailure is { Error: ByokServiceException error, Begun: var begun }
                    && (error.FailureKind == ServiceFailureKind.Other || error.IsOfHost)
                    // A session that was requested after the failure shows that the host can begin sessions again.
                    && (_key.NewestSession is not { } session || begun.IsAfter(session.Begun)) ? error : null;
            }
        }
    }

    private Task<ByokException?> ConfirmAsync(Seen seen, Origin? own) =>
        Confirming.Join(token => RunAsync(t => ConfirmOnceAsync(seen, own, t), token));

    /// <summary>Asks AWS whether it accepts an action that is denied, or that seems to be.</summary>
    private async Task ProveSharedAsync(int action, Origin known, CancellationToken cancellationToken)
    {
        var isShared = IsConfirming;
        await JoinProofAsync(action, known).WaitAsync(cancellationToken).ConfigureAwait(false);
        if (isShared && (_facts[action].Denial is not null || _facts[action].IsSuspect))
        {
            // The request that was under way may have been about the other action.
            await JoinProofAsync(action, known).WaitAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Starts a proof, or joins the request under way, whatever it is about.</summary>
    private Task<ByokException?> JoinProofAsync(int action, Origin known) =>
        Confirming.Join(token => RunAsync(t => ProveAsync(action, known, t), token));

    private Task<ByokException?> CheckRoleAsync(Seen seen) =>
        CheckingRole.Join(token => RunAsync(t => CheckRoleOnceAsync(seen, t), token));

    /// <summary>Renews a data key's own acceptance. Concurrent callers share one request.</summary>
    /// <param name="origin">The data key's origin.</param>
    /// <param name="seen">The acceptance that is too old.</param>
    private Task<ByokException?> RenewAsync(Origin origin, long seen)
    {
        // Assigned under the lock that also clears it, so even a renewal that ends at once cannot leave its finished task behind.
        lock (_gate)
        {
            if (origin.Renewal is null)
            {
                _renewals++;
                origin.Renewal = _work.Start(RenewSharedAsync);
            }

            return origin.Renewal;
        }

        async Task<ByokException?> RenewSharedAsync()
        {
            try
            {
                return await RunAsync(token => RenewOnceAsync(origin, seen, token), _work.Disposed).ConfigureAwait(false);
            }
            finally
            {
                lock (_gate)
                {
                    _renewals--;
                    origin.Renewal = null;
                }
            }
        }
    }

    private void StartConfirmation(Seen seen, Origin? own, long now, bool isUrgent = false)
    {
        // No common lock for these checks: if two uses pass them, Join starts one request. If the ring is disposed meanwhile, the task
        // fails.
        if (!IsConfirming && !_work.Disposed.IsCancellationRequested && (isUrgent || now >= Volatile.Read(ref _askAfter))
            && MayAsk(ref _pause, ref _urgent, now, isUrgent))
        {
            // Not awaited: a caller that needs the result joins the same task, and a failure is observed.
            _ = ConfirmAsync(seen, own);
        }
    }

    /// <summary>Tries the Regions in order by one action. This closes the circuit breaker of a Region that answers again.</summary>
    private void StartTrial(int action)
    {
        Origin? known;
        lock (_gate)
        {
            // Only with an origin that AWS has accepted before: this request decides about a circuit breaker.
            known = Candidates(action, own: null).FirstOrDefault();
        }

        if (known is not null && !IsConfirming && !_work.Disposed.IsCancellationRequested
            && MayAsk(ref _pause, ref _urgent, _clock.Now))
        {
            _ = JoinProofAsync(action, known);
        }
    }

    private void StartRoleCheck(Seen seen, long now, bool isUrgent = false)
    {
        if (!IsCheckingRole && !_work.Disposed.IsCancellationRequested && MayAsk(ref _rolePause, ref _urgentRole, now, isUrgent))
        {
            _ = CheckRoleAsync(seen);
        }
    }

    private void StartRenewal(Origin origin, bool isUrgent = false)
    {
        // Read before the task starts: if another answer renews the origin meanwhile, RenewOnceAsync sends nothing.
        var seen = origin.Accepted;
        lock (_gate)
        {
            // Limited, so that a host with thousands of open data keys does not flood AWS KMS. The others are renewed by a later use.
            if (!_work.Disposed.IsCancellationRequested && _renewals < MostRenewals
                && MayAsk(ref _pause, ref _urgent, _clock.Now, isUrgent))
            {
                _ = RenewAsync(origin, seen);
            }
        }
    }

    /// <summary>Whether the next attempt may begin: after the pause, or once per second for uses that fail meanwhile.</summary>
    private bool MayAsk(ref Backoff pause, ref long urgent, long now, bool isUrgent = false)
    {
        // Under the lock, because a failure in another task changes the pause, and one of many uses begins the attempt.
        lock (_gate)
        {
            if (now >= pause.Until)
            {
                return true;
            }

            var may = isUrgent && now - urgent >= TimeSpan.TicksPerSecond;
            urgent = may ? now : urgent;
            return may;
        }
    }

    /// <summary>Requests the facts that a use lacks.</summary>
    /// <returns>The error; null if there is none.</returns>
    private async Task<ByokException?> ObtainAsync(Seen seen, Origin? origin, long now, Moment began, CancellationToken cancellationToken)
    {
        // Read before the decision, so that an acceptance after it is recognized as newer and saves the request.
        var seenOwn = origin?.Accepted ?? 0;
        var (confirmation, own, role) = Missing(seen.Use, origin, now, began);
        var checking = role ? CheckRoleAsync(seen) : Task.FromResult<ByokException?>(null);

        // A confirmation tries the data key's own origin first, so it usually renews that one too.
        var asking = (confirmation, own) switch
        {
            (true, _) => ConfirmAsync(seen, origin),
            (_, true) => RenewAsync(origin!, seenOwn),
            _ => Task.FromResult<ByokException?>(null),
        };

        // The caller's token ends its wait only. Others may wait for the same requests.
        var errors = await Task.WhenAll(asking, checking).WaitAsync(cancellationToken).ConfigureAwait(false);
        return errors[0] ?? errors[1];
    }

    /// <summary>Runs an attempt. An exception of another type comes from a strategy of the host, and counts as an outage.</summary>
    private async Task<ByokException?> RunAsync(Func<CancellationToken, Task<ByokException?>> attempt, CancellationToken disposed)
    {
        using var activity = Activities.StartShared(Activities.Confirm, caller: default);
        try
        {
            var error = await attempt(disposed).ConfigureAwait(false);
            if (error is not null)
            {
                activity.Fail(error);
            }

            return error;
        }
        catch (Exception) when (disposed.IsCancellationRequested)
        {
            // Whatever the interrupted attempt threw, the disposal is the cause.
            throw new ObjectDisposedException(RingDisposed.Name);
        }
        catch (Exception e)
        {
            // Only the name of the type goes into the message and the log: the text may contain a secret of the host.
            activity.Fail(e);
            _logger.ConfirmationFailed(_key.Arn, e.GetType().Name);
            lock (_gate)
            {
                // Both, because either attempt may have thrown. Without a pause, each use would start it again.
                _pause.Fail(_clock.Now);
                _rolePause.Fail(_clock.Now);
            }

            return new ByokServiceException($"The key {_key.Arn} could not be confirmed ({e.GetType().Name}).", isTransient: false, e);
        }
    }

    /// <summary>
    /// One confirmation: one accepted request for the action that the use needs. No request is sent if an answer has arrived since the
    /// caller decided to ask.
    /// </summary>
    private async Task<ByokException?> ConfirmOnceAsync(Seen seen, Origin? own, CancellationToken token)
    {
        int action;
        List<Origin> candidates;
        // The answer that the caller lacked may have arrived between its decision and the start of this task. Asking again would cost a
        // request and could only repeat that answer.
        lock (_gate)
        {
            if (NewDenial(seen) is { } denial)
            {
                return denial.Error;
            }

            if (AcceptedFor(seen.Use) > seen.Accepted)
            {
                return null;
            }

            var reading = _facts[Decrypt];

            // kms:Decrypt is preferred for writing too, because it confirms both uses. kms:Encrypt is for rings without a known ciphertext
            // or without kms:Decrypt.
            action = seen.Use == KeyUse.Read || (reading.Last is not null && reading.Denial is null) ? Decrypt : Encrypt;
            candidates = Candidates(action, own);
        }

        // Another instance of the host may have asked AWS already. Its acceptance replaces this request.
        if (_fleet is not null && await IsAnsweredByFleetAsync(_fleet, action, seen).ConfigureAwait(false))
        {
            return null;
        }

        ByokException? error = null;
        foreach (var origin in candidates)
        {
            (var answer, error, _) = await AskAsync(action, origin, token).ConfigureAwait(false);
            if (answer != Answer.Rejected)
            {
                return error;
            }

            // AWS rejected that origin, not the key. Another origin may be accepted.
        }

        lock (_gate)
        {
            // No origin proved anything. Without a pause, each use would send these requests again.
            _pause.Fail(_clock.Now);
        }

        return error ?? NotConfirmed();
    }

    /// <summary>A confirmation of one action for health. Wraps a new data key if no origin is known.</summary>
    private async Task<ByokException?> ProveAsync(int action, Origin known, CancellationToken token)
    {
        if (action == Decrypt && known.Ciphertext.IsEmpty)
        {
            var (wrapped, failure) = await WrapOnceAsync(known, token).ConfigureAwait(false);
            if (wrapped is null)
            {
                return failure;
            }

            known = wrapped;
        }

        return (await AskAsync(action, known, token).ConfigureAwait(false)).Error;
    }

    private async Task<(Origin? Wrapped, ByokException? Error)> WrapOnceAsync(Origin inContext, CancellationToken token)
    {
        var call = new KmsCall(AwsAction.Encrypt) { IsConfirmation = true };

        // Only the ciphertext is needed. The plaintext is erased at the end.
        using var key = DataKey.Generate();
        try
        {
            var blob = await _key.TryOnceAsync(
                call, (region, t) => region.EncryptAsync(call, key, inContext.Context, t), token).ConfigureAwait(false);
            var wrapped = new Origin(blob, inContext.Context, inContext.ContextId, call.Sent);
            Accept(Encrypt, call, wrapped);
            return (wrapped, null);
        }
        catch (ByokKeyUnavailableException e) when (!IsAccessDenied(e))
        {
            DenyKey(call, e);
            return (null, e);
        }
        catch (ByokException e)
        {
            // AccessDenied may concern this encryption context only, so it denies nothing here.
            return (null, e);
        }
    }

    private async Task<ByokException?> RenewOnceAsync(Origin origin, long seen, CancellationToken token)
    {
        if (origin.Accepted > seen)
        {
            // Another request has renewed the origin since the caller decided to ask.
            return null;
        }

        if (_key.Audit is not null)
        {
            RingAudit.Enter(caller: default, ByokAuditCause.Renewal);
        }

        return (await AskAsync(Decrypt, origin, token).ConfigureAwait(false)).Error;
    }

    /// <summary>A denial that arrived after the caller decided to ask; null if there is none.</summary>
    private Denial? NewDenial(Seen seen) => DenialOf(seen.Use) is { } denial && denial != seen.Denial ? denial : null;

    private async Task<ByokException?> CheckRoleOnceAsync(Seen seen, CancellationToken token)
    {
        // As for confirmations: the answer may have arrived since the caller decided to ask.
        lock (_gate)
        {
            if (NewDenial(seen) is { } denial)
            {
                return denial.Error;
            }

            if (_sessionBegun > seen.SessionBegun)
            {
                return null;
            }
        }

        if (_fleet is not null && await IsRoleCheckedByFleetAsync(_fleet).ConfigureAwait(false))
        {
            return null;
        }

        var begun = _clock.Mark();
        var call = new KmsCall(_key.Regions[0].Sessions!.Operation) { IsConfirmation = true, Cause = ByokAuditCause.RoleCheck };
        try
        {
            // Stores the new session before it returns, so the times that are published below include it.
            await _key.RenewSessionAsync(call, token).ConfigureAwait(false);
            lock (_gate)
            {
                _roleFailure = null;
                _rolePause.Reset();
                PublishSession();
            }

            ShareSession();
            _listener?.Changed();
            return null;
        }
        catch (ByokKeyUnavailableException e)
        {
            // AWS STS denies the role, so each use of the key is denied.
            DenyKey(call, e);
            return e;
        }
        catch (ByokException e)
        {
            // An outage of AWS STS discards nothing: the present session still reaches AWS KMS, which shows a revocation.
            lock (_gate)
            {
                _roleFailure = new Failure(begun, IsThrottled: false, e);
                _rolePause.Fail(_clock.Now);
            }

            _listener?.Changed();
            return e;
        }
    }

    /// <summary>The origins to confirm with: that of the use, then those that AWS accepted last. At most three.</summary>
    private List<Origin> Candidates(int action, Origin? own)
    {
        // The callers hold the lock, which guards the remembered origins.
        var candidates = new List<Origin>(3);
        foreach (var origin in (Origin?[])[own, _facts[action].Last, _facts[action].LastElsewhere])
        {
            if (origin is not null && !candidates.Contains(origin))
            {
                candidates.Add(origin);
            }
        }

        // A ring that has only encrypted so far has no origin that kms:Decrypt accepted. The data key that it wrapped last serves instead.
        if (candidates.Count == 0 && _facts[Encrypt].Last is { } wrapped)
        {
            candidates.Add(wrapped);
        }

        return candidates;
    }

    /// <summary>Sends a request with a known origin. If AWS denies access, finds out the scope of the denial.</summary>
    /// <returns>The answer, the error that remains, and whether a new session was begun.</returns>
    private async Task<(Answer Answer, ByokException? Error, bool IsNewSession)> AskAsync(
        int action, Origin origin, CancellationToken token)
    {
        var (answer, call, error) = await TryAsync(action, origin, token).ConfigureAwait(false);
        if (answer != Answer.AccessDenied)
        {
            return (answer, error, false);
        }

        (error, var isNewSession) = await ClassifyAsync(
            action, origin, call, (ByokKeyUnavailableException)error!, token).ConfigureAwait(false);
        return (answer, error, isNewSession);
    }

    /// <summary>One attempt per Region with a known origin: kms:Decrypt of it, or kms:Encrypt of 32 random bytes in its context.</summary>
    private async Task<(Answer Answer, KmsCall Call, ByokException? Error)> TryAsync(int action, Origin origin, CancellationToken token)
    {
        // An attempt's age counts from before its first request, as that of an acceptance.
        var begun = _clock.Mark();
        var call = new KmsCall(Operations[action]) { IsConfirmation = true };
        try
        {
            if (action == Decrypt)
            {
                // The plaintext is not needed: only that AWS accepts the request. The answer is erased on arrival.
                await _key.TryOnceAsync(
                    call,
                    (region, t) => region.DecryptAsync(call, origin.Ciphertext, origin.Context, static _ => true, t),
                    token).ConfigureAwait(false);
            }
            else
            {
                // Random bytes that are never used: only the acceptance counts.
                using var probe = DataKey.Generate();
                await _key.TryOnceAsync(
                    call, (region, t) => region.EncryptAsync(call, probe, origin.Context, t), token).ConfigureAwait(false);
            }

            Accept(action, call, origin);
            return (Answer.Accepted, call, null);
        }
        catch (ByokKeyUnavailableException e) when (IsAccessDenied(e))
        {
            // Its scope is not known yet. AskAsync finds it out by further requests.
            return (Answer.AccessDenied, call, e);
        }
        catch (ByokKeyUnavailableException e)
        {
            DenyKey(call, e);
            return (Answer.Denied, call, e);
        }
        catch (ByokException e) when (e is ByokDecryptionException or ByokServiceException { FailureKind: ServiceFailureKind.Rejected })
        {
            // This origin proves nothing about the key. It must not be asked with again.
            lock (_gate)
            {
                Array.ForEach(_facts, facts => facts.Forget(other => ReferenceEquals(other, origin)));
            }

            return (Answer.Rejected, call, e);
        }
        catch (ByokException e)
        {
            lock (_gate)
            {
                _pause.Fail(_clock.Now);

                // The attempt may have begun a session before AWS KMS failed.
                PublishSession();

                // A call that sent nothing (an open breaker, a failed token source) is no evidence of an outage, so it permits no use.
                if (call.FirstSent is not null)
                {
                    _failure = new Failure(begun, e is ByokServiceException { FailureKind: ServiceFailureKind.Throttled }, e);
                }
            }

            if (e is ByokServiceException outage)
            {
                NoteOutage(begun, outage);
            }

            return (Answer.Outage, call, e);
        }
    }

    /// <summary>
    /// Finds out the scope of an AccessDenied with a known origin: an old session, this encryption context, or the action. Sends at most
    /// three requests.
    /// </summary>
    /// <param name="action">The action that was denied.</param>
    /// <param name="origin">
    /// An origin that the action accepted in this context, or that this ring wrapped. Never one that AWS has not accepted before.
    /// </param>
    /// <param name="call">The denied call.</param>
    /// <param name="denial">The denial.</param>
    /// <param name="token">Ends the requests.</param>
    /// <returns>The error, null if the action is still accepted; and whether a new session was begun.</returns>
    private async Task<(ByokException? Error, bool IsNewSession)> ClassifyAsync(
        int action, Origin origin, KmsCall call, ByokKeyUnavailableException denial, CancellationToken token)
    {
        // A session keeps the permissions of the moment it began, so an old one may be the cause. Only a new one tells.
        var isNewSession = await TryReplaceSessionAsync(call, token).ConfigureAwait(false);
        if (isNewSession)
        {
            var (answer, again, error) = await TryAsync(action, origin, token).ConfigureAwait(false);
            if (answer != Answer.AccessDenied)
            {
                // Accepted: the old session was the cause, and nothing is denied. An outage proves nothing either.
                return (error, isNewSession);
            }

            (call, denial) = (again, (ByokKeyUnavailableException)error!);
        }

        // The context is denied whatever the next request shows. If another context is denied too, the whole action is.
        DenyContext(action, origin.ContextId, denial);
        if (OtherThan(action, origin.ContextId) is { } other)
        {
            var (answer, again, error) = await TryAsync(action, other, token).ConfigureAwait(false);
            if (answer != Answer.AccessDenied)
            {
                lock (_gate)
                {
                    // Confirmations must not use the denied context: each of them would be denied and examined again.
                    _facts[action].Forget(known => known.IsIn(origin.ContextId));
                }

                return (error, isNewSession);
            }

            (call, denial) = (again, (ByokKeyUnavailableException)error!);
        }

        DenyAction(action, call, denial);
        return (denial, isNewSession);
    }

    /// <summary>
    /// Begins a new session in place of one that may be the cause of a denial, unless it is young. An outage of AWS STS leaves the session.
    /// </summary>
    private async Task<bool> TryReplaceSessionAsync(KmsCall call, CancellationToken token)
    {
        // A young session is not the cause. Replacing it too would cost a request to AWS STS for each denial.
        if (call.Session is not { } session || _clock.Now - session.Begun.Ticks < AwsSession.Young)
        {
            return false;
        }

        var error = await _key.TryReplaceSessionAsync(session, call.Region, token).ConfigureAwait(false);
        if (error is ByokKeyUnavailableException denial)
        {
            // AWS STS itself denies the role, which concerns the whole key. Any other error is an outage of AWS STS, which proves nothing.
            DenyKey(call, denial);
        }

        if (error is not null)
        {
            return false;
        }

        lock (_gate)
        {
            PublishSession();
        }

        return true;
    }

    /// <summary>A known origin of another context: one that the same action accepted, otherwise one of the other action.</summary>
    private Origin? OtherThan(int action, ReadOnlyMemory<byte> contextId)
    {
        lock (_gate)
        {
            var (own, others) = (_facts[action], _facts[1 - action]);
            Origin?[] known = [own.Last, own.LastElsewhere, others.Last, others.LastElsewhere];
            return Array.Find(known, origin => origin is not null && !origin.IsIn(contextId));
        }
    }

    /// <summary>
    /// Whether AWS KMS itself denied access. That may concern one message, one context, one session or the action. All other denials
    /// concern the key.
    /// </summary>
    private static bool IsAccessDenied(ByokKeyUnavailableException e) =>
        e.Reason == ByokKeyUnavailableReason.AccessDenied && e.Operation is AwsAction.Encrypt or AwsAction.Decrypt;
}
