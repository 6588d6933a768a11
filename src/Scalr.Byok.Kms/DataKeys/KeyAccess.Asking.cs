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

    /// <summary>A session that is younger is not the cause of a denial.</summary>
    private static readonly long YoungSession = TimeSpan.FromMinutes(1).Ticks;

    private readonly SingleFlight<ByokException?> _confirming;
    private readonly SingleFlight<ByokException?> _checkingRole;
    private readonly long[] _healthAsked = [Moment.Never.Ticks, Moment.Never.Ticks]; // by action
    private Moment _analysed = Moment.Never;
    private int _renewals;

    private enum Answer
    {
        Accepted,
        AccessDenied,
        Denied,
        Rejected,
        Outage,
    }

    /// <summary>Starts a renewal of a data key's own acceptance in the background, if it is late in its lifetime.</summary>
    public void RenewIfLate(Origin origin, long now)
    {
        if (now - origin.Accepted >= _limits.MaxAge * _ahead)
        {
            StartRenewal(origin);
        }
    }

    /// <summary>Makes sure that reading is confirmed, for a data key that was just wrapped. A failure is no error: writing does not need it.</summary>
    public async Task TryConfirmReadingAsync(Origin origin, CancellationToken cancellationToken)
    {
        if (DenialOf(KeyUse.Read) is null && _clock.Now - AcceptedFor(KeyUse.Read) >= _limits.Interval)
        {
            await ConfirmAsync(KeyUse.Read, origin).WaitAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>What health reports: a denial that AWS has repeated within the interval; null if reading and writing are not denied.</summary>
    /// <param name="context">An encryption context to try, if the ring has none of its own yet.</param>
    /// <param name="contextId">Its identity.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public async Task<ByokException?> CheckHealthAsync(IReadOnlyDictionary<string, string> context, ReadOnlyMemory<byte> contextId, CancellationToken cancellationToken)
    {
        foreach (var action in (int[])[Decrypt, Encrypt])
        {
            var facts = _facts[action];
            bool asks;
            lock (_gate)
            {
                asks = (facts.Denial is not null || facts.IsSuspect) && _clock.Now - _healthAsked[action] >= _limits.Interval;
                _healthAsked[action] = asks ? _clock.Now : _healthAsked[action];
            }

            if (asks)
            {
                var known = facts.Known[0] ?? _facts[Encrypt].Known[0] ?? new Origin(default, context, contextId, Moment.Never);
                await _confirming.Join(token => RunAsync(t => ProveAsync(action, known, t), token)).WaitAsync(cancellationToken).ConfigureAwait(false);
            }
        }

        return StandingDenial;
    }

    private Task<ByokException?> ConfirmAsync(KeyUse use, Origin? own) => _confirming.Join(token => RunAsync(t => ConfirmOnceAsync(use, own, t), token));

    private Task<ByokException?> CheckRoleAsync() => _checkingRole.Join(token => RunAsync(CheckRoleOnceAsync, token));

    private void StartConfirmation(KeyUse use, Origin? own, long now, bool isUrgent = false)
    {
        if (!_confirming.IsRunning && !_disposed.IsCancellationRequested && (isUrgent || IsOver(ref _pause, now)))
        {
            _ = ConfirmAsync(use, own);
        }
    }

    /// <summary>Tries the Regions in order by one action, so that the circuit breaker of a Region that answers again closes.</summary>
    private void StartTrial(int action)
    {
        Origin? known;
        lock (_gate)
        {
            known = Candidates(action, own: null).FirstOrDefault();
        }

        if (known is not null && !_confirming.IsRunning && !_disposed.IsCancellationRequested && IsOver(ref _pause, _clock.Now))
        {
            _ = _confirming.Join(token => RunAsync(t => ProveAsync(action, known, t), token));
        }
    }

    private void StartRoleCheck(long now, bool isUrgent = false)
    {
        if (!_checkingRole.IsRunning && !_disposed.IsCancellationRequested && (isUrgent || IsOver(ref _rolePause, now)))
        {
            _ = CheckRoleAsync();
        }
    }

    private void StartRenewal(Origin origin, bool isUrgent = false)
    {
        if (_disposed.IsCancellationRequested || !(isUrgent || IsOver(ref _pause, _clock.Now)) || Volatile.Read(ref _renewals) >= MostRenewals || !origin.TryBeginRenewal())
        {
            return;
        }

        Interlocked.Increment(ref _renewals);
        _ = SharedWork.Start(async () =>
        {
            try
            {
                await RunAsync(token => RenewOnceAsync(origin, token), _disposed).ConfigureAwait(false);
            }
            finally
            {
                origin.EndRenewal();
                Interlocked.Decrement(ref _renewals);
            }
        });
    }

    private bool IsOver(ref Backoff pause, long now)
    {
        lock (_gate)
        {
            return now >= pause.Until;
        }
    }

    /// <summary>Obtains the facts that a use lacks.</summary>
    /// <returns>What went wrong; null if nothing did.</returns>
    private async Task<ByokException?> ObtainAsync(KeyUse use, Origin? origin, long now, Moment began, CancellationToken cancellationToken)
    {
        var (confirmation, own, role) = Missing(use, origin, now, began);
        var checking = role ? CheckRoleAsync() : Task.FromResult<ByokException?>(null);
        var asking = (confirmation, own) switch
        {
            (true, _) => ConfirmAsync(use, origin),
            (_, true) => SharedWork.Start(() => RunAsync(token => RenewOnceAsync(origin!, token), _disposed)),
            _ => Task.FromResult<ByokException?>(null),
        };
        var errors = await Task.WhenAll(asking, checking).WaitAsync(cancellationToken).ConfigureAwait(false);
        return errors[0] ?? errors[1];
    }

    /// <summary>Runs an attempt. An exception that is none of ours is a fault of a host's own strategy, and counts as no answer.</summary>
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
            throw new ObjectDisposedException(RingDisposed.Name);
        }
        catch (Exception e)
        {
            activity.Fail(e);
            _logger.ConfirmationFailed(_key.Arn, e.GetType().Name);
            lock (_gate)
            {
                _pause.Fail(_clock.Now);
                _rolePause.Fail(_clock.Now);
            }

            return new ByokServiceException($"The key {_key.Arn} could not be confirmed ({e.GetType().Name}).", isTransient: false, e);
        }
    }

    /// <summary>One confirmation: one accepted request for the action that the use needs.</summary>
    private async Task<ByokException?> ConfirmOnceAsync(KeyUse use, Origin? own, CancellationToken token)
    {
        int action;
        List<Origin> candidates;
        lock (_gate)
        {
            var reading = _facts[Decrypt];
            action = use == KeyUse.Read || (reading.Known[0] is not null && reading.Denial is null) ? Decrypt : Encrypt;
            candidates = Candidates(action, own);
        }

        ByokException? error = null;
        foreach (var origin in candidates)
        {
            var (answer, call, failure) = await TryAsync(action, origin, token).ConfigureAwait(false);
            switch (answer)
            {
                case Answer.Accepted:
                    return null;
                case Answer.AccessDenied:
                    return (await ClassifyAsync(action, origin, call, (ByokKeyUnavailableException)failure!, token).ConfigureAwait(false)).Error;
                case Answer.Rejected:
                    error = failure;
                    continue; // dropped; another one may do
                default:
                    return failure;
            }
        }

        lock (_gate)
        {
            _pause.Fail(_clock.Now);
        }

        return error ?? NotConfirmed();
    }

    /// <summary>As a confirmation, for health: of one action, and with a new data key where none is known.</summary>
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

        var (answer, call, error) = await TryAsync(action, known, token).ConfigureAwait(false);
        return answer == Answer.AccessDenied
            ? (await ClassifyAsync(action, known, call, (ByokKeyUnavailableException)error!, token).ConfigureAwait(false)).Error
            : error;
    }

    private async Task<(Origin? Wrapped, ByokException? Error)> WrapOnceAsync(Origin inContext, CancellationToken token)
    {
        var call = new KmsCall(AwsAction.Encrypt) { IsConfirmation = true };
        using var key = DataKey.Generate();
        try
        {
            var blob = await _key.TryOnceAsync(call, (region, t) => region.EncryptAsync(call, key, inContext.Context, t), token).ConfigureAwait(false);
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
            return (null, e);
        }
    }

    private async Task<ByokException?> RenewOnceAsync(Origin origin, CancellationToken token)
    {
        var (answer, call, error) = await TryAsync(Decrypt, origin, token).ConfigureAwait(false);
        return answer == Answer.AccessDenied
            ? (await ClassifyAsync(Decrypt, origin, call, (ByokKeyUnavailableException)error!, token).ConfigureAwait(false)).Error
            : error;
    }

    private async Task<ByokException?> CheckRoleOnceAsync(CancellationToken token)
    {
        var begun = _clock.Mark();
        var call = new KmsCall(_key.Regions[0].Sessions!.Operation) { IsConfirmation = true };
        try
        {
            await _key.RenewSessionAsync(call, token).ConfigureAwait(false);
            lock (_gate)
            {
                _roleFailure = null;
                _rolePause.Reset();
                PublishSession();
            }

            return null;
        }
        catch (ByokKeyUnavailableException e)
        {
            DenyKey(call, e);
            return e;
        }
        catch (ByokException e)
        {
            lock (_gate)
            {
                _roleFailure = new Failure(begun, IsThrottled: false, e);
                _rolePause.Fail(_clock.Now);
            }

            return e;
        }
    }

    /// <summary>The origins to confirm with: the use's own, then those that AWS accepted last. At most three.</summary>
    private List<Origin> Candidates(int action, Origin? own)
    {
        var candidates = new List<Origin>(3);
        foreach (var origin in (Origin?[])[own, .. _facts[action].Known])
        {
            if (origin is not null && !candidates.Contains(origin))
            {
                candidates.Add(origin);
            }
        }

        if (candidates.Count == 0 && _facts[Encrypt].Known[0] is { } wrapped)
        {
            candidates.Add(wrapped);
        }

        return candidates;
    }

    /// <summary>One attempt per Region with a known origin: kms:Decrypt of it, or kms:Encrypt of 32 random bytes in its context.</summary>
    private async Task<(Answer Answer, KmsCall Call, ByokException? Error)> TryAsync(int action, Origin origin, CancellationToken token)
    {
        var begun = _clock.Mark();
        var call = new KmsCall(Operations[action]) { IsConfirmation = true };
        try
        {
            if (action == Decrypt)
            {
                await _key.TryOnceAsync(
                    call, (region, t) => region.DecryptAsync(call, origin.Ciphertext, origin.Context, static _ => true, t), token).ConfigureAwait(false);
            }
            else
            {
                using var probe = DataKey.Generate();
                await _key.TryOnceAsync(call, (region, t) => region.EncryptAsync(call, probe, origin.Context, t), token).ConfigureAwait(false);
            }

            Accept(action, call, origin);
            return (Answer.Accepted, call, null);
        }
        catch (ByokKeyUnavailableException e) when (IsAccessDenied(e))
        {
            return (Answer.AccessDenied, call, e);
        }
        catch (ByokKeyUnavailableException e)
        {
            DenyKey(call, e);
            return (Answer.Denied, call, e);
        }
        catch (ByokException e) when (e is ByokDecryptionException or ByokServiceException { Trouble: ServiceTrouble.Rejected })
        {
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
                PublishSession();
                if (call.FirstSent is not null)
                {
                    _failure = new Failure(begun, e is ByokServiceException { Trouble: ServiceTrouble.Throttled }, e);
                }
            }

            return (Answer.Outage, call, e);
        }
    }

    /// <summary>
    /// Finds out what an AccessDenied of a known origin means: an old session, this encryption context, or the action. Asks at most three times.
    /// </summary>
    /// <param name="action">The action that was denied.</param>
    /// <param name="origin">An origin that the action had accepted in this context, or that this ring wrapped.</param>
    /// <param name="call">The denied call.</param>
    /// <param name="denial">The denial.</param>
    /// <param name="token">Ends it.</param>
    /// <returns>The error; null if the action is still accepted. And whether a new session was begun.</returns>
    private async Task<(ByokException? Error, bool IsNewSession)> ClassifyAsync(
        int action, Origin origin, KmsCall call, ByokKeyUnavailableException denial, CancellationToken token)
    {
        var isNewSession = await TryReplaceSessionAsync(call, token).ConfigureAwait(false);
        if (isNewSession)
        {
            var (answer, again, error) = await TryAsync(action, origin, token).ConfigureAwait(false);
            if (answer != Answer.AccessDenied)
            {
                return (error, isNewSession);
            }

            (call, denial) = (again, (ByokKeyUnavailableException)error!);
        }

        DenyContext(action, origin.ContextId, denial);
        if (OtherThan(action, origin.ContextId) is { } other)
        {
            var (answer, again, error) = await TryAsync(action, other, token).ConfigureAwait(false);
            if (answer != Answer.AccessDenied)
            {
                lock (_gate)
                {
                    _facts[action].Forget(known => known.IsIn(origin.ContextId));
                }

                return (error, isNewSession);
            }

            (call, denial) = (again, (ByokKeyUnavailableException)error!);
        }

        DenyAction(action, call, denial);
        return (denial, isNewSession);
    }

    /// <summary>Begins a new session in place of one that may be the cause of a denial, unless that one is young. An outage of AWS STS leaves it as it is.</summary>
    private async Task<bool> TryReplaceSessionAsync(KmsCall call, CancellationToken token)
    {
        if (call.Session is not { } session || _clock.Now - session.Begun.Ticks < YoungSession)
        {
            return false;
        }

        var renewal = new KmsCall(_key.Regions[call.Region].Sessions!.Operation) { IsConfirmation = true, Region = call.Region };
        try
        {
            await _key.Regions[call.Region].RenewSessionAsync(renewal, session, token).ConfigureAwait(false);
            lock (_gate)
            {
                PublishSession();
            }

            return true;
        }
        catch (ByokKeyUnavailableException e)
        {
            DenyKey(renewal, e);
            return false;
        }
        catch (ByokServiceException)
        {
            return false;
        }
    }

    /// <summary>A known origin of another context: one that the same action accepted, or else the other action.</summary>
    private Origin? OtherThan(int action, ReadOnlyMemory<byte> contextId)
    {
        lock (_gate)
        {
            Origin?[] known = [.. _facts[action].Known, .. _facts[1 - action].Known];
            return Array.Find(known, origin => origin is not null && !origin.IsIn(contextId));
        }
    }

    /// <summary>An AccessDenied of AWS KMS itself: it may concern one message, one context, one session or the action. All other denials concern the key.</summary>
    private static bool IsAccessDenied(ByokKeyUnavailableException e) =>
        e.Reason == ByokKeyUnavailableReason.AccessDenied && e.Operation is AwsAction.Encrypt or AwsAction.Decrypt;
}
