using System.Text;
using Scalr.Byok.Kms.Diagnostics;
using Scalr.Byok.Kms.Kms;
using Scalr.Byok.Kms.Resilience;

namespace Scalr.Byok.Kms.DataKeys;

/// <content>The calls that fetch data keys, and what each answer of AWS means for the facts.</content>
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
        var (blob, call) = await CallAsync(
            Encrypt, contextId, (call, region, token) => region.EncryptAsync(call, plaintext, context, token), cancellationToken).ConfigureAwait(false);
        if (FindDenial(call.Sent, AwsAction.Encrypt, contextId) is { } denial)
        {
            throw denial;
        }

        var origin = new Origin(blob, context, contextId, call.Sent);
        Accept(Encrypt, call, origin);
        ThrowIfStillDenied(Encrypt);
        var arn = _key.Regions[call.Region].Arn;
        return new WrappedKey(new EncryptedDataKey(EncryptedDataKey.AwsKms, Encoding.UTF8.GetBytes(arn.ToString()), blob), origin, call.Sent);
    }

    /// <summary>Unwraps a data key by kms:Decrypt.</summary>
    /// <param name="ciphertext">The encrypted data key's ciphertext; copied.</param>
    /// <param name="context">The encryption context.</param>
    /// <param name="contextId">Its identity; copied.</param>
    /// <param name="cancellationToken">Ends the call.</param>
    /// <returns>The data key, which the caller disposes, its origin, and the moment before it was requested.</returns>
    /// <exception cref="ByokDecryptionException">AWS KMS does not accept the ciphertext, or it is no data key of 32 bytes.</exception>
    /// <exception cref="ByokException">AWS denies the call or gives no usable answer.</exception>
    public async Task<UnwrappedKey> DecryptAsync(
        ReadOnlyMemory<byte> ciphertext, IReadOnlyDictionary<string, string> context, ReadOnlyMemory<byte> contextId, CancellationToken cancellationToken)
    {
        var (key, call) = await CallAsync(
            Decrypt,
            contextId,
            (call, region, token) => region.DecryptAsync(
                call, ciphertext, context, static plaintext => plaintext.Length == DataKey.Length ? DataKey.CopyFrom(plaintext) : null, token),
            cancellationToken).ConfigureAwait(false);
        if (key is null)
        {
            throw new ByokDecryptionException();
        }

        if (FindDenial(call.Sent, AwsAction.Decrypt, contextId) is { } denial)
        {
            key.Dispose();
            throw denial;
        }

        var origin = new Origin(ciphertext.ToArray(), context, contextId.ToArray(), call.Sent);
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

    /// <summary>A query found the key in a state in which it cannot be used. Where a replica may stand in, one Region's word is not enough.</summary>
    public void ReportUnusable(ByokKeyUnavailableReason reason)
    {
        if (!_key.FailsOverOnDenial || _key.Regions.Count == 1)
        {
            DenyKey(new KmsCall(AwsAction.DescribeKey), new ByokKeyUnavailableException(_key.Arn, reason, AwsAction.DescribeKey));
        }
    }

    /// <summary>What a replica accepts does not end the denial by a Region before it, so it may not be used either.</summary>
    private void ThrowIfStillDenied(int action)
    {
        if (_facts[action].Denial is { } denial)
        {
            throw denial.ToException();
        }
    }

    private async Task<(T Answer, KmsCall Call)> CallAsync<T>(
        int action, ReadOnlyMemory<byte> contextId, Func<KmsCall, KmsRegion, CancellationToken, Task<T>> attempt, CancellationToken cancellationToken)
    {
        await AdmitAsync(action, contextId, cancellationToken).ConfigureAwait(false);
        for (var isRepeated = false; ; isRepeated = true)
        {
            var call = new KmsCall(Operations[action]);
            try
            {
                var answer = await _key.RetryAsync(call, (region, token) => attempt(call, region, token), cancellationToken).ConfigureAwait(false);
                return (answer, call);
            }
            catch (ByokKeyUnavailableException e) when (IsAccessDenied(e))
            {
                // Repeated once, if a new session shows that the old one was the cause.
                if (isRepeated || !await AnalyseAsync(action, contextId, call, e, cancellationToken).ConfigureAwait(false))
                {
                    throw;
                }
            }
            catch (ByokKeyUnavailableException e)
            {
                DenyKey(call, e);
                throw;
            }
        }
    }

    /// <summary>
    /// Lets a call through, or fails it at once while its action is denied. After each pause, one call asks AWS first. It asks with an origin that is known, because a
    /// caller's message never decides about the key; where none is known, the call itself is let through. So is a call in another context than those that are
    /// known: those alone may be denied, which has no effect on others.
    /// </summary>
    private async ValueTask AdmitAsync(int action, ReadOnlyMemory<byte> contextId, CancellationToken cancellationToken)
    {
        if (_facts[action].Denial is { } denial)
        {
            if (!TryClaimTrial(denial))
            {
                throw denial.ToException();
            }

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
                await _confirming.Join(token => RunAsync(t => ProveAsync(action, known, t), token)).WaitAsync(cancellationToken).ConfigureAwait(false);
                if (_facts[action].Denial is { } still && (still.IsOfKey || isKnown))
                {
                    throw still.ToException();
                }
            }
        }

        var now = _clock.Now;
        if (_key.HasRole && _key.NewestSession is not null && IsRoleCheckDue(now))
        {
            StartRoleCheck(now);
        }

        if (_key.HasRole && _key.NewestSession is { } session && now - session.Begun.Ticks >= _limits.RoleInterval && !IsRecentRoleFailure(now))
        {
            if (await CheckRoleAsync().WaitAsync(cancellationToken).ConfigureAwait(false) is ByokKeyUnavailableException roleDenial)
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

    /// <summary>Finds out what the AccessDenied of a caller's message means, at most once per tenth of the interval. In between, only that message is denied.</summary>
    /// <returns>Whether the call should be repeated under a new session.</returns>
    private async Task<bool> AnalyseAsync(
        int action, ReadOnlyMemory<byte> contextId, KmsCall call, ByokKeyUnavailableException denial, CancellationToken cancellationToken)
    {
        Origin? same;
        lock (_gate)
        {
            var facts = _facts[action];
            facts.IsSuspect = true;
            var now = _clock.Mark();
            if (!facts.WasAccepted || _confirming.IsRunning || now.Ticks - _analysed.Ticks < _limits.Interval / 10)
            {
                return false;
            }

            _analysed = now;
            same = Array.Find(facts.Known, origin => origin?.IsIn(contextId) == true);
        }

        same ??= action == Decrypt ? _keys.FindOrigin(this, contextId) : null;
        var isNewSession = false;
        await _confirming.Join(token => RunAsync(AskAsync, token)).WaitAsync(cancellationToken).ConfigureAwait(false);
        return isNewSession;

        async Task<ByokException?> AskAsync(CancellationToken token)
        {
            if (same is not null)
            {
                var (answer, again, error) = action == Encrypt
                    ? (Answer.AccessDenied, call, denial) // the call itself was the same request
                    : await TryAsync(action, same, token).ConfigureAwait(false);
                if (answer != Answer.AccessDenied)
                {
                    return error; // accepted: only the message was denied
                }

                (error, isNewSession) = await ClassifyAsync(action, same, again, (ByokKeyUnavailableException)error!, token).ConfigureAwait(false);
                return error;
            }

            // Nothing is known of this context, so its denial has no consequences. Whether the action as such is denied, another context shows.
            isNewSession = await TryReplaceSessionAsync(call, token).ConfigureAwait(false);
            return OtherThan(action, contextId) is { } other ? await ProveAsync(action, other, token).ConfigureAwait(false) : null;
        }
    }

    /// <summary>AWS accepted a request under the wrapping key.</summary>
    private void Accept(int action, KmsCall call, Origin origin)
    {
        lock (_gate)
        {
            PublishSession();
            if (_erasures.Find(call.Sent, Operations[action], origin.ContextId) is not null)
            {
                return; // sent before a denial: proves nothing about now
            }

            var facts = _facts[action];
            foreach (var other in _facts)
            {
                if (other.Denial is { } denial && (other == facts || denial.IsOfKey) && call.Sent.IsAfter(denial.Arrived)
                    && (call.Region <= denial.Region || _key.FailsOverOnDenial))
                {
                    other.Denial = null;
                }
            }

            facts.Accept(call.Sent);
            facts.Remember(origin);
            if (action == Decrypt)
            {
                origin.Accept(call.Sent.Ticks);
            }

            if (_failure is null || call.Sent.IsAfter(_failure.Begun))
            {
                _failure = null;
                _pause.Reset();
            }
        }
    }

    /// <summary>AWS denied the key: both actions, in all contexts.</summary>
    private void DenyKey(KmsCall call, ByokKeyUnavailableException error)
    {
        if (error.Operation is AwsAction.AssumeRole or AwsAction.AssumeRoleWithWebIdentity)
        {
            _key.DiscardSessions(); // the role may no longer be assumed, so no session of it may be used
        }

        Deny(DenialScope.Key, call.Region, error);
    }

    private void DenyAction(int action, KmsCall call, ByokKeyUnavailableException error) =>
        Deny(new DenialScope(action == Encrypt, action == Decrypt, ContextId: null), call.Region, error);

    private void DenyContext(int action, ReadOnlyMemory<byte> contextId, ByokKeyUnavailableException error) =>
        Deny(new DenialScope(action == Encrypt, action == Decrypt, contextId), region: 0, error);

    private void Deny(DenialScope scope, int region, ByokKeyUnavailableException error)
    {
        var isNew = false;
        lock (_gate)
        {
            PublishSession();

            // Noted before anything is erased: a data key that arrives in between finds the note and is discarded.
            var arrived = _clock.Mark();
            _erasures.Add(arrived, scope, error);
            Denial? ofKey = null;
            for (var action = 0; scope.ContextId is null && action < _facts.Length; action++)
            {
                if (!scope.Concerns(Operations[action]))
                {
                    continue;
                }

                var facts = _facts[action];
                facts.Reset();
                var isOfKey = scope.Encrypt && scope.Decrypt;
                if (facts.Denial is { } denial && (denial.IsOfKey || !isOfKey))
                {
                    denial.Repeat(error, arrived, region);
                }
                else
                {
                    facts.Denial = ofKey ??= new Denial(error, arrived, region, isOfKey, TimeSpan.FromTicks(_limits.Interval));
                    isNew = true;
                }
            }
        }

        var erased = _keys.Erase(this, scope, error);
        if (isNew)
        {
            Instruments.Revoked(error.Reason);
        }

        if (isNew || erased.Count > 0)
        {
            _logger.AccessDenied(_key.Arn, scope.Name, error.Reason, erased.Cached, erased.Open, erased.Streams);
        }
    }

    private void PublishSession()
    {
        if (_key.HasRole)
        {
            var session = _key.NewestSession;
            Volatile.Write(ref _sessionBegun, session?.Begun.Ticks ?? Moment.Never.Ticks);
            Volatile.Write(ref _sessionExpires, session?.Expires ?? long.MinValue);
            Volatile.Write(ref _sessionRenewal, _key.Regions.Max(region => region.Sessions!.RenewFrom));
        }
    }
}
