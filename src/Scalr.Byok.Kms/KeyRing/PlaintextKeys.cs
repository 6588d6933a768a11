using System.Diagnostics;
using Microsoft.Extensions.Logging;
using Scalr.Byok.Kms.Audit;
using Scalr.Byok.Kms.DataKeys;
using Scalr.Byok.Kms.Diagnostics;
using Scalr.Byok.Kms.Errors;
using Scalr.Byok.Kms.Events;
using Scalr.Byok.Kms.Kms;
using Scalr.Byok.Kms.Messages;
using Scalr.Byok.Kms.Resilience;

namespace Scalr.Byok.Kms.KeyRing;

/// <summary>All plaintext data keys of one ring: cached, in flight, open, and used by streams. Safe for concurrent use.</summary>
/// <remarks>
/// A use takes its data key from a cache and asks <see cref="KeyAccess"/> whether it may be used. <see cref="KeyAccess"/> in turn has the
/// data keys erased that a denial concerns. It notes a denial before it erases, and each key is checked against the notes after it was
/// stored. So no key escapes in between.
/// </remarks>
internal sealed class PlaintextKeys : IPlaintextKeys, IDisposable
{
    /// <summary>The parameter of the public methods that an exception about a header that is too long names.</summary>
    public const string ContextParameter = "encryptionContext";

    private readonly CustomerKeys _keys;
    private readonly KeyAccess[] _all;
    private readonly RingOptions _options;
    private readonly AgeClock _clock;

    // Null without observers of key events.
    private readonly KeyWatch[]? _watches;

    // Never disposed itself: flights and confirmations may still ask its token after the ring is disposed.
    private readonly CancellationTokenSource _disposed = new();
    private readonly SharedWork _work;

    private readonly Lock _gate = new();

    // Created on first use: most rings of a host with thousands of customers are idle.
    private DataKeyCache<EncryptionKey>? _encryption;
    private DataKeyCache<DecryptionKey>? _decryption;
    private KeyFlights<EncryptionKey>? _encryptionFlights;
    private KeyFlights<DecryptionKey>? _decryptionFlights;
    private OpenDataKeys? _openKeys;
    private HashSet<StreamUse>? _streams;
    private ITimer? _timer;
    private long _due = long.MaxValue;

    /// <param name="keys">The customer's keys. Takes ownership.</param>
    /// <param name="options">The operator's options.</param>
    /// <param name="clock">The clock.</param>
    /// <param name="logger">The log.</param>
    /// <param name="events">Watches the keys of this ring for key events; null without observers.</param>
    public PlaintextKeys(CustomerKeys keys, RingOptions options, AgeClock clock, ILogger logger, Func<KeyAccess, KeyWatch>? events = null)
    {
        _keys = keys;
        _options = options;
        _clock = clock;
        _work = new SharedWork(_disposed.Token);
        _all = [.. keys.All.Select(key => new KeyAccess(key, this, options.Use, clock, logger, _work))];
        _watches = events is null ? null : Array.ConvertAll(_all, access => events(access));
    }

    /// <summary>The format of messages, and the limits of what is read.</summary>
    public MessageOptions Options => _options.Messages;

    /// <summary>What runs in the background for this ring.</summary>
    public SharedWork Work => _work;

    /// <summary>Access to the key that encrypts.</summary>
    public KeyAccess Current => _all[0];

    /// <summary>Access to all keys, the current one first.</summary>
    public IReadOnlyList<KeyAccess> All => _all;

    /// <summary>The number of requests to AWS KMS, under all keys.</summary>
    public long KmsRequests => _all.Sum(access => access.Key.Requests);

    public OpenDataKeys OpenKeys => Volatile.Read(ref _openKeys) ?? Created(ref _openKeys, new());

    public AgeClock Clock => _clock;

    /// <summary>The cached data keys.</summary>
    public IEnumerable<DataKey> Cached =>
        (_encryption?.Keys ?? []).Select(static key => key.Key).Concat((_decryption?.Keys ?? []).Select(static key => key.Key));

    /// <summary>Uses a data key to encrypt a message.</summary>
    /// <param name="context">The message's encryption context.</param>
    /// <param name="bytes">The number of plaintext bytes, as far as it is known.</param>
    /// <param name="use">Uses the key. Must not keep it.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public ValueTask<T> EncryptAsync<T>(
        EncryptionContext context, long bytes, Func<EncryptionKey, T> use, CancellationToken cancellationToken) =>
        EncryptAsync(context, bytes, use, isWithin: false, isSecondTry: false, cancellationToken);

    /// <summary>As <see cref="EncryptAsync{T}(EncryptionContext, long, Func{EncryptionKey, T}, CancellationToken)"/>.</summary>
    /// <remarks>Runs within a larger operation: the token ends the calls.</remarks>
    public ValueTask<T> EncryptWithinAsync<T>(
        EncryptionContext context, long bytes, Func<EncryptionKey, T> use, CancellationToken cancellationToken) =>
        EncryptAsync(context, bytes, use, isWithin: true, isSecondTry: false, cancellationToken);

    private async ValueTask<T> EncryptAsync<T>(
        EncryptionContext context,
        long bytes,
        Func<EncryptionKey, T> use,
        bool isWithin,
        bool isSecondTry,
        CancellationToken cancellationToken)
    {
        if (EncryptionCache is not { } cache)
        {
            // Cache off: the data key serves one message, and is erased after it.
            using var made = await (isWithin ? MakeWithinAsync(context, cancellationToken) : MakeAsync(context, cancellationToken))
                .ConfigureAwait(false);
            return use(made);
        }

        // Set after a wait for the facts, which then serve this use even if the answer took longer than the interval. So there are at most
        // two rounds.
        var isEnsured = false;

        // The decision is made for each use, with the key in hand: a cached key alone permits nothing.
        while (cache.TryEnter(context.Section.Span, bytes, _clock.Now, _options.Grace, out var cached, out var isDue))
        {
            try
            {
                var now = _clock.Now;
                var isStale = IsStale(cached, now);

                // A stale key is only for an outage. Otherwise the cache is missed, and a new data key is made.
                if (isStale && !Current.IsOut(now))
                {
                    break;
                }

                if (isEnsured || Current.Permits(KeyUse.Write, cached.Origin, now))
                {
                    if (isDue || isStale)
                    {
                        Renew(context, cached, now);
                    }

                    cache.Asked(hasIt: true);
                    return use(cached);
                }

                // This call asks AWS KMS for a new data key anyway, so it needs no confirmation as well.
                if (isStale)
                {
                    break;
                }
            }
            finally
            {
                // Before the wait below: a use that waits for AWS must not keep the bytes of a data key alive that a denial erases.
                cached.Key.Exit();
            }

            await Current.EnsureAsync(KeyUse.Write, cached.Origin, cancellationToken).ConfigureAwait(false);
            isEnsured = true;
        }

        cache.Asked(hasIt: false);
        var caller = Activities.Caller;
        try
        {
            var seat = await EncryptionFlights.JoinAsync(
                context.Section,
                token => MakeSharedAsync(context, caller, cause: null, token),
                // The second try does not ask the cache, so a key that is there but cannot be entered causes no endless recursion.
                () => !isSecondTry && cache.Has(context.Section.Span, _clock.Now),
                cancellationToken).ConfigureAwait(false);
            if (seat is { } mine)
            {
                using (mine)
                {
                    // Order: stored first, then checked for a denial. A denial that arrives in between finds the key in the cache, or this
                    // check finds it.
                    Keep(cache, mine, context, bytes);
                    ThrowIfDenied(mine.Key, mine.Key.Sent, AwsAction.Encrypt);
                    return use(mine.Key);
                }
            }
        }
        catch (ByokServiceException e)
            when (IsOutage(e) && Current.MayServeStale(KeyUse.Write, _clock.Now)
                && cache.TryEnter(context.Section.Span, bytes, _clock.Now, _options.Grace, out var stale, out _))
        {
            // An outage prevented a new data key. An expired one may be used within OutageGrace, unless something was denied.
            return UseStale(stale, use);
        }

        // Another flight has filled the cache since the miss.
        return await EncryptAsync(context, bytes, use, isWithin, isSecondTry: true, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Uses the data key of a message.</summary>
    /// <param name="header">The message's header.</param>
    /// <param name="use">Uses the key; throws if the header is not authentic. Must not keep the key.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public ValueTask<T> DecryptAsync<T>(MessageHeader header, Func<DecryptionKey, T> use, CancellationToken cancellationToken) =>
        DecryptAsync(header, use, isWithin: false, isSecondTry: false, cancellationToken);

    /// <summary>As <see cref="DecryptAsync{T}(MessageHeader, Func{DecryptionKey, T}, CancellationToken)"/>.</summary>
    /// <remarks>Runs within a larger operation: the token ends the calls.</remarks>
    public ValueTask<T> DecryptWithinAsync<T>(MessageHeader header, Func<DecryptionKey, T> use, CancellationToken cancellationToken) =>
        DecryptAsync(header, use, isWithin: true, isSecondTry: false, cancellationToken);

    private async ValueTask<T> DecryptAsync<T>(
        MessageHeader header, Func<DecryptionKey, T> use, bool isWithin, bool isSecondTry, CancellationToken cancellationToken)
    {
        if (DecryptionCache is not { } cache)
        {
            var candidates = FindCandidates(header);
            using var key = await (isWithin
                ? FetchWithinAsync(candidates, header.EncryptionContext, cancellationToken)
                : FetchAsync(candidates, header.EncryptionContext, cancellationToken)).ConfigureAwait(false);
            return use(key);
        }

        // As for encryption: at most two rounds.
        var isEnsured = false;
        while (TryEnter(cache, header, out var cached))
        {
            try
            {
                var now = _clock.Now;
                if (isEnsured || cached.Access.Permits(KeyUse.Read, cached.Origin, now))
                {
                    cached.Access.RenewIfLate(cached.Origin, now);
                    cache.Asked(hasIt: true);
                    return use(cached);
                }

                // As for encryption: the request for the data key is the confirmation.
                if (IsStale(cached, now))
                {
                    break;
                }
            }
            finally
            {
                cached.Key.Exit();
            }

            await cached.Access.EnsureAsync(KeyUse.Read, cached.Origin, cancellationToken).ConfigureAwait(false);
            isEnsured = true;
        }

        cache.Asked(hasIt: false);
        var caller = Activities.Caller;
        try
        {
            // Copied: the flight may continue after the caller has cancelled and reused its buffer.
            var candidates = FindCandidates(header);
            var context = header.EncryptionContext;
            var seat = await DecryptionFlights.JoinAsync(
                header.ContextAndEncryptedKeys,
                token => FetchSharedAsync(candidates, context, caller, token),
                () => !isSecondTry && candidates.Exists(candidate => cache.Has(candidate.Id, _clock.Now)),
                cancellationToken).ConfigureAwait(false);
            if (seat is { } mine)
            {
                using (mine)
                {
                    // The key may have arrived before the denial that this waiter finds here.
                    ThrowIfDenied(mine.Key, mine.Key.Sent, AwsAction.Decrypt);

                    // Trust boundary: only a key that has authenticated a message enters the cache. So forged messages evict nothing.
                    var result = use(mine.Key);
                    mine.HandOver((_, key) => Keep(cache, key.Id, key, key.Sent, AwsAction.Decrypt, bytes: 0));
                    return result;
                }
            }
        }
        catch (ByokServiceException e) when (IsOutage(e) && TryEnter(cache, header, out var stale))
        {
            // The filter enters the key. Each path below ends that operation. In an outage, a cached key may serve beyond its lifetime, but
            // never after a denial or the end of the session.
            if (!stale.Access.MayServeStale(KeyUse.Read, _clock.Now))
            {
                stale.Key.Exit();
                throw;
            }

            return UseStale(stale, use);
        }

        return await DecryptAsync(header, use, isWithin, isSecondTry: true, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Counts the bytes of a message whose length was unknown at first.</summary>
    public void Count(EncryptionContext context, long bytes) => _encryption?.Count(context.Section.Span, bytes);

    /// <summary>Creates a new data key, wrapped by its own call. The caller disposes it.</summary>
    /// <exception cref="ArgumentException">The header would be too long.</exception>
    public Task<EncryptionKey> MakeAsync(EncryptionContext context, CancellationToken cancellationToken) =>
        Current.Key.OperationAsync(token => MakeWithinAsync(context, token), AwsAction.Encrypt, cancellationToken);

    /// <summary>As <see cref="MakeAsync"/>, within a larger operation.</summary>
    public async Task<EncryptionKey> MakeWithinAsync(EncryptionContext context, CancellationToken cancellationToken)
    {
        // Owned here until EncryptionKey takes it. If anything fails before that, it is erased.
        var key = DataKey.Generate();
        try
        {
            var wrapped = await Current.EncryptAsync(key, context.Pairs, context.Section, cancellationToken).ConfigureAwait(false);
            var template = new MessageTemplate(context, [wrapped.Encrypted], Options.FrameLength);
            ThrowIfTooLong(template);
            return new EncryptionKey(key, wrapped.Origin, Current, template, wrapped.Sent);
        }
        catch
        {
            key.Dispose();
            throw;
        }
    }

    /// <summary>Starts the use of a data key by a stream.</summary>
    /// <param name="access">Access to the wrapping key.</param>
    /// <param name="use">Whether the stream is decrypted or encrypted.</param>
    /// <param name="origin">The data key's origin.</param>
    /// <param name="began">The moment before the data key was taken.</param>
    public StreamUse BeginStream(KeyAccess access, KeyUse use, Origin origin, Moment began)
    {
        var stream = new StreamUse(access, use, origin, _clock, Remove);
        lock (_gate)
        {
            // Dispose cancels first and takes this lock later: a stream is either rejected here or stopped there.
            ObjectDisposedException.ThrowIf(_disposed.IsCancellationRequested, typeof(IByokKeyRing));
            (_streams ??= []).Add(stream);
        }

        // Registered first, then checked: a denial in between finds the stream in the set, or is found here.
        if (access.FindDenial(began, use == KeyUse.Read ? AwsAction.Decrypt : AwsAction.Encrypt, origin.ContextId) is { } denial)
        {
            stream.Dispose();
            throw denial;
        }

        return stream;
    }

    /// <summary>Opens a data key for the application.</summary>
    /// <param name="cipher">The cipher. Takes the caller's lease of it.</param>
    /// <param name="access">Access to the wrapping key.</param>
    /// <param name="origin">The origin.</param>
    /// <param name="began">The moment before the data key was taken.</param>
    /// <param name="operation">The action that fetched the data key.</param>
    /// <param name="create">Creates the object that the application holds.</param>
    public ByokDataKey OpenKey(
        ValueCipher cipher, KeyAccess access, Origin origin, Moment began, string operation, Func<OpenDataKey, ByokDataKey> create)
    {
        var open = new OpenDataKey(cipher, access, origin, OpenKeys, _clock);
        var key = create(open);

        // Before it is registered: the timer closes registered data keys that have no holder.
        open.HoldBy(key);
        try
        {
            OpenKeys.Add(open);

            // Registered first, then checked, as for streams.
            if (access.FindDenial(began, operation, origin.ContextId) is { } denial)
            {
                throw denial;
            }
        }
        catch
        {
            key.Dispose();
            throw;
        }

        // Before the earliest time at which a confirmation can be due, 60 % of the interval. KeepFresh decides about the next times.
        Arm(_options.Interval / 2);
        return key;
    }

    public ErasedKeys Erase(KeyAccess access, DenialScope scope, ByokKeyUnavailableException denial)
    {
        bool IsDenied(ICachedKey key) => key.Access == access && scope.Concerns(key.Origin.ContextId);

        // KeyAccess has noted the denial before this call, and holds no lock now: the callbacks of open keys and streams may take others.
        var cached = (scope.Encrypt ? _encryption?.Remove(IsDenied, EvictionCause.Revoked) ?? 0 : 0)
            + (scope.Decrypt ? _decryption?.Remove(IsDenied, EvictionCause.Revoked) ?? 0 : 0);

        // A denial of kms:Encrypt alone closes no open data key. Data keys in flight are not searched: each is checked when it arrives.
        var open = scope.Decrypt ? Volatile.Read(ref _openKeys)?.Deny(access, scope, denial) ?? 0 : 0;
        StreamUse[] streams;
        lock (_gate)
        {
            streams = [.. (_streams ?? []).Where(stream => stream.IsConcernedBy(access, scope))];
        }

        // Outside the lock: the cancellation runs callbacks of the application's streams.
        Array.ForEach(streams, stream => stream.Stop(denial));
        return new ErasedKeys(cached, open, streams.Length);
    }

    public Origin? FindOrigin(KeyAccess access, ReadOnlyMemory<byte> contextId) =>
        _decryption?.Find(key => key.Access == access && key.Origin.IsIn(contextId))?.Origin
        ?? Volatile.Read(ref _openKeys)?.FindOrigin(access, contextId);

    public Origin? FindOpenOrigin(KeyAccess access, ReadOnlyMemory<byte> ciphertext, ReadOnlyMemory<byte> contextId) =>
        Volatile.Read(ref _openKeys)?.FindOrigin(access, ciphertext, contextId);

    public void Dispose()
    {
        // First, so that nothing new is added to what is closed below.
        _disposed.Cancel();
        Array.ForEach(_watches ?? [], static watch => watch.Dispose());

        // Created if needed, so that no data key is opened later, and a flight that ends later finds a disposed cache and has its key
        // erased.
        OpenKeys.Dispose();
        EncryptionCache?.Dispose();
        DecryptionCache?.Dispose();
        StreamUse[] streams;
        lock (_gate)
        {
            _timer?.Dispose();
            streams = [.. _streams ?? []];
        }

        Array.ForEach(streams, static stream => stream.Stop(new ObjectDisposedException(nameof(IByokKeyRing))));

        // Last: a strategy of the host may throw here, and by now all data keys are erased.
        _keys.Dispose();
    }

    private DataKeyCache<EncryptionKey>? EncryptionCache =>
        _options.Caching is null
            ? null
            : Volatile.Read(ref _encryption) ?? Created(ref _encryption, new(_options.Caching, CacheMeter.Encryption));

    private DataKeyCache<DecryptionKey>? DecryptionCache =>
        _options.Caching is null
            ? null
            : Volatile.Read(ref _decryption) ?? Created(ref _decryption, new(_options.Caching, CacheMeter.Decryption));

    private KeyFlights<EncryptionKey> EncryptionFlights =>
        Volatile.Read(ref _encryptionFlights) ?? Created(ref _encryptionFlights, new(_work));

    private KeyFlights<DecryptionKey> DecryptionFlights =>
        Volatile.Read(ref _decryptionFlights) ?? Created(ref _decryptionFlights, new(_work));

    // Two threads may create one each, and both use the one stored first. So no key is in a cache that Dispose does not find.
    private static T Created<T>(ref T? place, T created)
        where T : class => Interlocked.CompareExchange(ref place, created, null) ?? created;

    // Throttling is not among them: it is an answer, and gets no grace.
    private static bool IsOutage(ByokServiceException e) =>
        e.FailureKind is ServiceFailureKind.Outage or ServiceFailureKind.NotTried or ServiceFailureKind.TrialUnderWay;

    private static T UseStale<TKey, T>(TKey stale, Func<TKey, T> use)
        where TKey : class, ICachedKey
    {
        try
        {
            return use(stale);
        }
        finally
        {
            stale.Key.Exit();
        }
    }

    private static bool TryEnter(DataKeyCache<DecryptionKey> cache, MessageHeader header, long now, TimeSpan grace, out DecryptionKey? key)
    {
        for (var i = 0; i < header.EncryptedDataKeys.Count; i++)
        {
            if (cache.TryEnter(header.ContextAndEncryptedKey(i).Span, bytes: 0, now, grace, out key, out _))
            {
                return true;
            }
        }

        key = null;
        return false;
    }

    private bool TryEnter(
        DataKeyCache<DecryptionKey> cache,
        MessageHeader header,
        [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out DecryptionKey? key) =>
        TryEnter(cache, header, _clock.Now, _options.Grace, out key) && key is not null;

    /// <summary>Whether a cached key is past its lifetime, so that only an outage permits its use.</summary>
    private bool IsStale(ICachedKey key, long now) => now - key.Since >= _options.MaxAge;

    private static void ThrowIfDenied(ICachedKey key, Moment since, string operation)
    {
        if (key.Access.FindDenial(since, operation, key.Origin.ContextId) is { } denial)
        {
            throw denial;
        }
    }

    private void ThrowIfTooLong(MessageTemplate template)
    {
        // This ring could not read the message.
        if (template.HeaderLength > Options.MaxHeaderLength)
        {
            var parameter = ContextParameter;
            throw new ArgumentException(
                $"The message's header would take {template.HeaderLength} bytes, more than the "
                + $"{Options.MaxHeaderLength} that MaxHeaderLength allows.",
                parameter);
        }
    }

    private async Task<EncryptionKey> MakeSharedAsync(
        EncryptionContext context, ActivityContext caller, ByokAuditCause? cause, CancellationToken cancellationToken)
    {
        using var activity = Activities.StartShared(Activities.FetchDataKey, caller);
        if (Current.Key.Audit is not null)
        {
            RingAudit.Enter(caller, cause);
        }

        try
        {
            return await MakeAsync(context, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            activity.Fail(e);
            throw;
        }
    }

    private async Task<DecryptionKey> FetchSharedAsync(
        List<Candidate> candidates, EncryptionContext context, ActivityContext caller, CancellationToken cancellationToken)
    {
        using var activity = Activities.StartShared(Activities.FetchDataKey, caller);
        if (Current.Key.Audit is not null)
        {
            RingAudit.Enter(caller);
        }

        try
        {
            return await FetchAsync(candidates, context, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            activity.Fail(e);
            throw;
        }
    }

    private Task<DecryptionKey> FetchAsync(List<Candidate> candidates, EncryptionContext context, CancellationToken cancellationToken) =>
        Current.Key.OperationAsync(token => FetchWithinAsync(candidates, context, token), AwsAction.Decrypt, cancellationToken);

    /// <summary>Unwraps the first encrypted data key that AWS KMS accepts.</summary>
    private static async Task<DecryptionKey> FetchWithinAsync(
        List<Candidate> candidates, EncryptionContext context, CancellationToken cancellationToken)
    {
        ByokException? error = null;

        // At most MaxEncryptedDataKeys of them, however many a message claims.
        foreach (var candidate in candidates)
        {
            try
            {
                var key = await candidate.Access.DecryptAsync(
                    candidate.Ciphertext, context.Pairs, context.Section, cancellationToken).ConfigureAwait(false);
                return new DecryptionKey(key, candidate.Access, candidate.Id);
            }
            catch (ByokException e)
            {
                // A message may be encrypted under several keys, so the next one may be accepted. An outage or a denial is reported rather
                // than "not authentic".
                error = error is null or ByokDecryptionException ? e : error;
            }
        }

        throw error ?? new ByokDecryptionException();
    }

    /// <summary>Copies the encrypted data keys of a message that name a key of this ring.</summary>
    /// <exception cref="ByokDecryptionException">There is none.</exception>
    private List<Candidate> FindCandidates(MessageHeader header)
    {
        var (candidates, isOurs) = (new List<Candidate>(), false);

        // Trust boundary: the header's ARNs are claims. They select among this ring's own keys only, so a message cannot make the ring call
        // another key. Impossible lengths are dropped before AWS is asked.
        for (var i = 0; i < header.EncryptedDataKeys.Count; i++)
        {
            var encrypted = header.EncryptedDataKeys[i];
            if (encrypted.TryGetKeyArn(out var arn) && Array.Find(_all, access => access.Key.IsNamedBy(arn)) is { } access)
            {
                isOurs = true;
                if (encrypted.Ciphertext.Length is > 0 and <= AnswerChecks.LongestBlob)
                {
                    // The ciphertext is the end of the id.
                    var id = header.ContextAndEncryptedKey(i).ToArray();
                    candidates.Add(new Candidate(access, id.AsMemory(id.Length - encrypted.Ciphertext.Length), id));
                }
            }
        }

        return candidates.Count > 0 ? candidates
            : throw (isOurs
                ? new ByokDecryptionException()
                : new ByokDecryptionException(
                    "The message is not encrypted under a key of this key ring. If the customer changed keys, add the old one to "
                    + "PreviousKeys."));
    }

    private void Renew(EncryptionContext context, EncryptionKey old, long now)
    {
        if (!_disposed.IsCancellationRequested && old.TryBeginRenewal(now))
        {
            // A failure is not reported: the present key stays in use, and EndRenewal starts a pause.
            _ = _work.Start(async () =>
            {
                var isRenewed = false;
                try
                {
                    // Never null, because the cache is not asked: a new key is wanted although it has one.
                    using var seat = await EncryptionFlights.JoinAsync(
                        context.Section,
                        token => MakeSharedAsync(context, caller: default, ByokAuditCause.Renewal, token),
                        static () => false,
                        _disposed.Token).ConfigureAwait(false);
                    Keep(EncryptionCache!, seat!, context, bytes: null);
                    isRenewed = true;
                }
                finally
                {
                    old.EndRenewal(isRenewed, _clock.Now);
                }
            });
        }
    }

    private void Keep(DataKeyCache<EncryptionKey> cache, KeyFlights<EncryptionKey>.Seat seat, EncryptionContext context, long? bytes)
    {
        var isHandedOver = false;
        seat.HandOver((id, key) =>
        {
            isHandedOver = true;
            Keep(cache, id, key, key.Sent, AwsAction.Encrypt, bytes);
        });

        // Another caller of the flight has given the key to the cache, so this message is not counted yet.
        if (!isHandedOver && bytes is { } more)
        {
            cache.Count(context.Section.Span, more);
        }
    }

    private void Keep<T>(DataKeyCache<T> cache, byte[] id, T key, Moment sent, string operation, long? bytes)
        where T : class, ICachedKey
    {
        // Added first, then checked: a denial in between finds the key in the cache, or its note is found here.
        cache.Add(id, key, bytes is null ? 0 : 1, bytes ?? 0);
        if (key.Access.FindDenial(sent, operation, key.Origin.ContextId) is not null)
        {
            cache.Remove(cached => ReferenceEquals(cached, key), EvictionCause.Revoked);
        }

        Arm(_options.Interval);
    }

    private void Remove(StreamUse stream)
    {
        lock (_gate)
        {
            _streams?.Remove(stream);
        }
    }

    /// <summary>
    /// Starts the timer, unless it is due sooner. The timer erases expired keys and keeps the facts of open data keys fresh.
    /// </summary>
    private void Arm(TimeSpan due)
    {
        lock (_gate)
        {
            // Dispose cancels before it takes this lock, so no timer is created after it has disposed the last one.
            var at = _clock.Now + due.Ticks;
            if (at >= _due || _disposed.IsCancellationRequested)
            {
                return;
            }

            _due = at;
            if (_timer is null)
            {
                _timer = _clock.Time.CreateTimer(static keys => ((PlaintextKeys)keys!).OnTimer(), this, due, Timeout.InfiniteTimeSpan);
            }
            else
            {
                _timer.Change(due, Timeout.InfiniteTimeSpan);
            }
        }
    }

    private void OnTimer()
    {
        lock (_gate)
        {
            // Cleared before the work, so that a key added during it can start the timer again.
            _due = long.MaxValue;
        }

        var now = _clock.Now;
        _encryption?.EvictExpired(now);
        _decryption?.EvictExpired(now);
        foreach (var key in _decryption?.Keys ?? [])
        {
            key.EndUnusedCipher();
        }

        var due = _options.Interval;

        // Nothing here may throw: an exception on this thread would end the process. Requests to AWS run in tasks of their own.
        var openKeys = Volatile.Read(ref _openKeys);
        foreach (var (access, origin) in openKeys?.CloseUnreferenced() ?? [])
        {
            var next = access.KeepFresh(origin);
            due = next < due ? next : due;
        }

        // Otherwise the timer stops, so an idle ring costs nothing.
        if (openKeys?.IsEmpty == false || _encryption?.IsEmpty == false || _decryption?.IsEmpty == false)
        {
            Arm(due);
        }
    }

    /// <param name="Access">Access to the wrapping key.</param>
    /// <param name="Ciphertext">The ciphertext to unwrap.</param>
    /// <param name="Id">The id of its data key in the cache.</param>
    private sealed record Candidate(KeyAccess Access, ReadOnlyMemory<byte> Ciphertext, byte[] Id);
}
