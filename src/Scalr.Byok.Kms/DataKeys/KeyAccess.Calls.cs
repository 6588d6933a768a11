using System.Text;
using Scalr.Byok.Kms.Diagnostics;
using Scalr.Byok.Kms.Kms;
using Scalr.Byok.Kms.Resilience;

namespace Scalr.Byok.Kms.DataKeys;

/// <content>The calls that fetch data keys, and the facts that their answers establish.</content>
internal sealed partial class KeyAccess
{
    /// <summary>Wraps a data key by kms:Encrypt.</summary>
    /// <param name="plaintext">The data key.</param>
    /// <param name="context">The encryption context.</param>
    /// <param name="contextId">Its identity.</param>
    /// <param name="cancellationToken">Ends the call.</param>
    /// <returns>The encrypted data key, its origin, and the moment before it was requested.</returns>
    /// <exception cref="ByokException">AWS denies the call or gives no usable answer.</exception>
    public async Task<WrappedKey> EncryptAsync(
        DataKey plaintext, IReadOnlyDictionary<string, string> context, ReadOnlyMemory<byte> contextId, CancellationToken cancellationToken)
    {
        Task<byte[]>? last = null;
        var call = await CallAsync(
            Encrypt,
            contextId,
            (call, region, token) => last = region.EncryptAsync(call, plaintext, context, token),
            cancellationToken).ConfigureAwait(false);
        var blob = await last!.ConfigureAwait(false);

        // The answer may be older than a denial that arrived in between. It must not bring back a key that the denial erased.
        if (FindDenial(call.Sent, AwsAction.Encrypt, contextId) is { } denial)
        {
            throw denial;
        }

        // The age counts from before the request, however long the answer took.
        var origin = new Origin(blob, context, contextId, call.Sent);
        Accept(Encrypt, call, origin);
        ThrowIfStillDenied(Encrypt);
        var arn = _key.Regions[call.Region].Arn;
        return new WrappedKey(
            new EncryptedDataKey(EncryptedDataKey.AwsKms, Encoding.UTF8.GetBytes(arn.ToString()), blob), origin, call.Sent);
    }

    /// <summary>Unwraps a data key by kms:Decrypt.</summary>
    /// <param name="ciphertext">The encrypted data key's ciphertext; must not change.</param>
    /// <param name="context">The encryption context.</param>
    /// <param name="contextId">Its identity; must not change.</param>
    /// <param name="cancellationToken">Ends the call.</param>
    /// <returns>The data key, which the caller disposes, its origin, and the moment before it was requested.</returns>
    /// <exception cref="ByokDecryptionException">AWS KMS rejects the ciphertext, or the plaintext is not 32 bytes long.</exception>
    /// <exception cref="ByokException">AWS denies the call or gives no usable answer.</exception>
    public async Task<UnwrappedKey> DecryptAsync(
        ReadOnlyMemory<byte> ciphertext,
        IReadOnlyDictionary<string, string> context,
        ReadOnlyMemory<byte> contextId,
        CancellationToken cancellationToken)
    {
        Task<DataKey?>? last = null;
        var call = await CallAsync(
            Decrypt,
            contextId,
            (call, region, token) => last = region.DecryptAsync(
                call,
                ciphertext,
                context,
                // Trust boundary: a ciphertext may contain anything that the customer encrypted under the key, so its length is checked.
                static plaintext => plaintext.Length == DataKey.Length ? DataKey.CopyFrom(plaintext) : null,
                token),
            cancellationToken).ConfigureAwait(false);
        if (await last!.ConfigureAwait(false) is not { } key)
        {
            throw new ByokDecryptionException();
        }

        if (FindDenial(call.Sent, AwsAction.Decrypt, contextId) is { } denial)
        {
            // No other code has the key yet, so it is erased here.
            key.Dispose();
            throw denial;
        }

        // Open data keys of the same origin share this acceptance.
        var origin = _keys.FindOpenOrigin(this, ciphertext, contextId)
            ?? new Origin(ciphertext, context, contextId, call.Sent);
        Accept(Decrypt, call, origin);
        try
        {
            ThrowIfStillDenied(Decrypt);
        }
        catch
        {
            key.Dispose();
            throw;
        }

        return new UnwrappedKey(key, origin, call.Sent);
    }

    /// <summary>
    /// A DescribeKey query found the key in an unusable state. Ignored where a replica may replace the Region: then one Region does not
    /// decide.
    /// </summary>
    public void ReportUnusable(ByokKeyUnavailableReason reason)
    {
        if (!_key.FailsOverOnDenial || _key.Regions.Count == 1)
        {
            // A new call, so the denial is that of the key's own Region.
            var denial = new ByokKeyUnavailableException(_key.Arn, reason, AwsAction.DescribeKey) { IsOfHost = _key.IsOfHost };
            DenyKey(new KmsCall(AwsAction.DescribeKey), denial);
        }
    }

    /// <summary>
    /// An acceptance by a replica does not clear the denial by an earlier Region. So the data key may not be used either.
    /// </summary>
    private void ThrowIfStillDenied(int action)
    {
        if (_facts[action].Denial is { } denial)
        {
            throw denial.ToException();
        }
    }

    /// <summary>Calls AWS. The last task of <paramref name="attempt"/> has the answer.</summary>
    /// <returns>The facts about the call.</returns>
    private async Task<KmsCall> CallAsync(
        int action,
        ReadOnlyMemory<byte> contextId,
        Func<KmsCall, KmsRegion, CancellationToken, Task> attempt,
        CancellationToken cancellationToken)
    {
        await AdmitAsync(action, contextId, cancellationToken).ConfigureAwait(false);

        // At most two rounds: isRepeated ends the second one.
        for (var isRepeated = false; ; isRepeated = true)
        {
            var call = new KmsCall(Operations[action]);
            var begun = _listener is null ? Moment.Never : _clock.Mark();
            try
            {
                await _key.RetryAsync(call, (region, token) => attempt(call, region, token), cancellationToken).ConfigureAwait(false);
                return call;
            }
            catch (Exception e) when ((e as ByokServiceException ?? call.LastError as ByokServiceException) is { } outage
                && e is ByokServiceException or OperationCanceledException)
            {
                // A call that is cancelled, or that exceeds the time limit of the operation, may have failed before.
                NoteOutage(begun, outage);
                throw;
            }
            catch (ByokKeyUnavailableException e) when (IsAccessDenied(e))
            {
                // Repeated once, if a new session shows that the old one caused the denial.
                if (isRepeated || !await AnalyseAsync(action, contextId, call, e, cancellationToken).ConfigureAwait(false))
                {
                    throw;
                }
            }
            catch (ByokKeyUnavailableException e)
            {
                // All denials other than AccessDenied concern the key itself, whatever message the caller sent.
                DenyKey(call, e);
                throw;
            }
        }
    }

    /// <summary>
    /// Lets a call through, or fails it at once while its action is denied. After each pause, one call asks AWS first, with a known origin:
    /// a caller's message never decides about the key. Without a known origin, the call itself is let through. So is a call in an unknown
    /// context: a denial of the known contexts has no effect on others.
    /// </summary>
    private async ValueTask AdmitAsync(int action, ReadOnlyMemory<byte> contextId, CancellationToken cancellationToken)
    {
        if (_facts[action].Denial is { } denial)
        {
            // One caller per pause asks AWS. The others fail at once, so a denied key costs neither requests nor waiting.
            if (!TryClaimTrial(denial))
            {
                throw denial.ToException();
            }

            // Read under the lock together with the contexts: both decide about one set of origins.
            Origin? known;
            bool isKnown;
            lock (_gate)
            {
                var candidates = Candidates(action, own: null);
                known = candidates.FirstOrDefault();
                isKnown = candidates.Exists(origin => origin.IsIn(contextId));
            }

            if (known is not null)
            {
                await ProveSharedAsync(action, known, cancellationToken).ConfigureAwait(false);

                // AccessDenied may concern the known contexts only, so a call in another context may still succeed.
                if (_facts[action].Denial is { } still && (isKnown || (still.IsOfKey && !IsAccessDenied(still.Error))))
                {
                    throw still.ToException();
                }
            }
        }

        // A session that another call has just begun is not published before AWS KMS answers that call. Without its times, the check of
        // the role would seem to be due, and a second session would begin.
        if (_key.NewestSession is { } newest && newest.Begun.Ticks != Volatile.Read(ref _sessionBegun))
        {
            lock (_gate)
            {
                PublishSession();
            }
        }

        var seen = See(action == Decrypt ? KeyUse.Read : KeyUse.Write);
        var now = _clock.Now;

        // Calls that fetch data keys do not pass Permits, so the age of the role's session is checked here.
        if (_key.HasRole && _key.NewestSession is not null && IsRoleCheckDue(now))
        {
            StartRoleCheck(seen, now);
        }

        // Not while an attempt has failed recently: an outage of AWS STS must not stop calls to AWS KMS under a session that is still
        // valid.
        if (_key.HasRole && _key.NewestSession is { } session
            && now - Math.Max(session.Begun.Ticks, Volatile.Read(ref _sessionBegun)) >= _limits.RoleInterval && !IsRecentRoleFailure(now))
        {
            if (await CheckRoleAsync(seen).WaitAsync(cancellationToken).ConfigureAwait(false) is ByokKeyUnavailableException roleDenial)
            {
                throw Denial.Copy(roleDenial);
            }
        }
    }

    private bool IsRecentRoleFailure(long now)
    {
        lock (_gate)
        {
            return IsRecent(_roleFailure, now, began: null);
        }
    }

    /// <summary>
    /// Finds out the scope of the AccessDenied of a caller's message, at most once per tenth of the interval. In between, only that message
    /// is denied.
    /// </summary>
    /// <returns>Whether the call should be repeated under a new session.</returns>
    private async Task<bool> AnalyseAsync(
        int action, ReadOnlyMemory<byte> contextId, KmsCall call, ByokKeyUnavailableException denial, CancellationToken cancellationToken)
    {
        Origin? same;
        Moment arrived;

        // Trust boundary: the caller chose ciphertext and context. Forged messages must not erase the keys of others, nor cause many
        // requests.
        lock (_gate)
        {
            var facts = _facts[action];

            // Health then asks AWS about the action, even if this denial has no other consequence.
            facts.IsSuspect = true;
            var now = _clock.Mark();

            // Without an earlier acceptance the permission may never have existed, and nothing is lost. While a confirmation runs, the
            // analysis could not start, because both use one slot.
            if (!facts.WasAccepted || IsConfirming || now.Ticks - _analysed.Ticks < _limits.Interval / 10)
            {
                return false;
            }

            _analysed = arrived = now;
            same = Array.Find([facts.Last, facts.LastElsewhere], origin => origin?.IsIn(contextId) == true);
        }

        same ??= action == Decrypt ? _keys.FindOrigin(this, contextId) : null;

        // Written by the shared task and read after it. If another caller's request was joined instead, it stays false, and the denial is
        // thrown.
        var isNewSession = false;
        await Confirming.Join(token => RunAsync(AnalyseOnceAsync, token)).WaitAsync(cancellationToken).ConfigureAwait(false);
        lock (_gate)
        {
            denial.OthersAreAccepted = _facts[action].Accepted.IsAfter(arrived);
        }

        return isNewSession;

        async Task<ByokException?> AnalyseOnceAsync(CancellationToken token)
        {
            ByokException? error;
            if (same is not null && action == Decrypt)
            {
                (_, error, isNewSession) = await AskAsync(action, same, token).ConfigureAwait(false);
                return error; // null if it is accepted: only the caller's message was denied
            }

            if (same is not null)
            {
                // the denied call already was a request in this context, so it is not repeated
                (error, isNewSession) = await ClassifyAsync(action, same, call, denial, token).ConfigureAwait(false);
                return error;
            }

            // Nothing is known of this context, so its denial has no consequences. Another context shows whether the action is denied.
            isNewSession = await TryReplaceSessionAsync(call, token).ConfigureAwait(false);
            return OtherThan(action, contextId) is { } other ? await ProveAsync(action, other, token).ConfigureAwait(false) : null;
        }
    }

    /// <summary>Records that AWS accepted a request under the wrapping key.</summary>
    private void Accept(int action, KmsCall call, Origin origin)
    {
        bool isShared;
        lock (_gate)
        {
            PublishSession();
            if (_erasures?.Find(call.Sent, Operations[action], origin.ContextId) is not null)
            {
                return; // sent before a denial arrived, so it proves nothing about the present
            }

            var facts = _facts[action];
            foreach (var other in _facts)
            {
                // Only a request sent after the denial arrived clears it, and only in that Region or an earlier one: a replica may lag
                // behind. The exception is FailsOverOnRevokedReplica, where one Region that accepts is enough.
                if (other.Denial is { } denial && (other == facts || denial.IsOfKey) && call.Sent.IsAfter(denial.Arrived)
                    && (call.Region <= denial.Region || _key.FailsOverOnDenial))
                {
                    other.Denial = null;
                }
            }

            // After the denial is cleared. A use that reads both in between finds neither, and asks.
            var last = AcceptedFor(KeyUse.Write);
            facts.Accept(call.Sent, call.Region);
            if (AcceptedFor(KeyUse.Write) > last)
            {
                Volatile.Write(ref _confirmAhead, NextShare(_confirmAhead, call.Sent.Ticks - last));
            }

            facts.Remember(origin);

            // Only kms:Decrypt proves that this ciphertext can be opened. An accepted kms:Encrypt in the same context does not.
            if (action == Decrypt)
            {
                origin.Accept(call.Sent.Ticks);
            }

            // An acceptance that was requested before the failed attempt does not show that the outage is over.
            if (_failure is null || call.Sent.IsAfter(_failure.Begun))
            {
                _failure = null;
                _pause.Reset();
            }

            if (_outage is not null && call.Sent.IsAfter(_outage.Begun))
            {
                _outage = null;
            }

            // An acceptance by a replica that does not clear a denial here must not count elsewhere.
            isShared = _facts[Encrypt].Denial is null && _facts[Decrypt].Denial is null;
        }

        if (isShared)
        {
            Share(action, call.Region, call.Sent);
        }

        // After the lock, as all calls of the listener: it reads State.
        _listener?.Changed();
    }

    /// <summary>Records that AWS denied the key: both actions, in all contexts.</summary>
    private void DenyKey(KmsCall call, ByokKeyUnavailableException error)
    {
        if (error.Operation is AwsAction.AssumeRole or AwsAction.AssumeRoleWithWebIdentity)
        {
            // The role may no longer be assumed, so no session of it may be used. Before the denial is noted: a request that takes its
            // session after the denial, and so could clear it, gets a new one.
            _key.DiscardSessions();
        }

        Deny(DenialScope.Key, call.Region, error);
    }

    private void DenyAction(int action, KmsCall call, ByokKeyUnavailableException error) =>
        Deny(new DenialScope(action == Encrypt, action == Decrypt, ContextId: null), call.Region, error);

    private void DenyContext(int action, ReadOnlyMemory<byte> contextId, ByokKeyUnavailableException error) =>
        // Noted in Erasures only: it erases the keys of the context, and later calls ask AWS again. So the Region does not matter.
        Deny(new DenialScope(action == Encrypt, action == Decrypt, contextId), region: 0, error);

    private void Deny(DenialScope scope, int region, ByokKeyUnavailableException error)
    {
        // Whether this denial begins a revocation. A repeated one is not counted again.
        var isNew = false;
        lock (_gate)
        {
            // No session of another instance outlives a denial.
            _fleetSession = Moment.Never.Ticks;
            PublishSession();

            // Noted before anything is erased: a data key that arrives in between finds the note and is discarded.
            var arrived = _clock.Mark();
            (_erasures ??= new()).Add(arrived, scope, error);
            Denial? ofKey = null;
            for (var action = 0; scope.ContextId is null && action < _facts.Length; action++)
            {
                if (!scope.Concerns(Operations[action]))
                {
                    continue;
                }

                var facts = _facts[action];

                // No acceptance from before the denial permits a use, also after the denial is cleared.
                facts.Reset();

                // The denial is published below, after the reset: a use that reads both without the lock finds no acceptance, or the
                // denial.
                var isOfKey = scope.Encrypt && scope.Decrypt;
                if (facts.Denial is { } denial && (denial.IsOfKey || !isOfKey))
                {
                    // A denial of the key stays one of the key, even if a later answer denies one action only.
                    denial.Repeat(error, arrived, region);
                }
                else
                {
                    // One object for both actions, so that one caller per pause asks AWS, not one for each action.
                    facts.Denial = ofKey ??= new Denial(error, arrived, region, isOfKey, TimeSpan.FromTicks(_limits.Interval));
                    isNew = true;
                }
            }
        }

        // Outside the lock: erasing takes the locks of the cache and of the open data keys, and runs callbacks.
        var erased = _keys.Erase(this, scope, error);
        if (isNew)
        {
            Instruments.Revoked(error.Reason);
        }

        if (isNew || erased.Count > 0)
        {
            _logger.AccessDenied(_key.Arn, scope.Name, error.Reason, erased.Cached, erased.Open, erased.Streams);
        }

        if (isNew)
        {
            _fleet?.ShareDenial(scope.Encrypt, scope.Decrypt, region, _clock.Mark(), error.Reason);
        }

        _listener?.Changed();
    }

    private void PublishSession()
    {
        // Published for the readers that take no lock. They may see the times of two sessions mixed for a moment: both are times of
        // sessions that AWS granted.
        if (_key.HasRole)
        {
            // One read of one immutable object, so that both times come from the same session.
            var session = _key.NewestSession;

            // Without an own session, no session of another instance counts.
            _fleetSession = session is null ? Moment.Never.Ticks : _fleetSession;
            Volatile.Write(ref _sessionBegun, Math.Max(session?.Begun.Ticks ?? Moment.Never.Ticks, _fleetSession));
            Volatile.Write(ref _sessionExpires, session?.Expires ?? long.MinValue);
            Volatile.Write(ref _sessionRenewal, _key.Regions.Max(region => region.Sessions!.RenewFrom));
        }
    }
}
