using System.Diagnostics;
using Microsoft.Extensions.Logging;
using Scalr.Byok.Kms.DataKeys;
using Scalr.Byok.Kms.Diagnostics;
using Scalr.Byok.Kms.Errors;
using Scalr.Byok.Kms.Kms;
using Scalr.Byok.Kms.Messages;
using Scalr.Byok.Kms.Resilience;

namespace Scalr.Byok.Kms.KeyRing;

/// <summary>All plaintext data keys of one ring: cached, in flight, open, and used by streams. Safe for concurrent use.</summary>
/// <remarks>
/// A use takes its data key from a cache and asks <see cref="KeyAccess"/> whether it may be used. <see cref="KeyAccess"/> in turn has the data keys erased that a denial
/// concerns. It notes a denial before it erases, and a key is checked for such a note after it was stored, so that no key escapes in between.
/// </remarks>
internal sealed class PlaintextKeys : IPlaintextKeys, IDisposable
{
    private readonly CustomerKeys _keys;
    private readonly KeyAccess _current;
    private readonly KeyAccess[] _all;
    private readonly MessageOptions _options;
    private readonly long _maxAge;
    private readonly TimeSpan _grace;
    private readonly TimeSpan _interval;
    private readonly AgeClock _clock;
    private readonly CancellationTokenSource _disposed = new();
    private readonly ByokDataKeyCacheOptions? _caching; // null: no caches
    private readonly Lock _gate = new();

    // Created by the first use: most rings of a host with thousands of customers are idle.
    private DataKeyCache<EncryptionKey>? _encryption;
    private DataKeyCache<DecryptionKey>? _decryption;
    private KeyFlights<EncryptionKey>? _encryptionFlights;
    private KeyFlights<DecryptionKey>? _decryptionFlights;
    private HashSet<StreamUse>? _streams;
    private ITimer? _timer;
    private long _due = long.MaxValue;

    /// <param name="keys">The customer's keys. Owned from now on.</param>
    /// <param name="options">The operator's options.</param>
    /// <param name="clock">The clock.</param>
    /// <param name="logger">The log.</param>
    public PlaintextKeys(CustomerKeys keys, ByokOptions options, AgeClock clock, ILogger logger)
    {
        _keys = keys;
        _options = MessageOptions.From(options);
        _maxAge = options.DataKeyCache.MaxAge.Ticks;
        _grace = options.DataKeyCache.OutageGrace;
        _interval = options.ConfirmationInterval;
        _clock = clock;
        var limits = new KeyUseLimits(options);
        _all = [.. keys.All.Select(key => new KeyAccess(key, this, limits, clock, logger, _disposed.Token))];
        _current = _all[0];
        _caching = options.DataKeyCache.MaxAge > TimeSpan.Zero ? options.DataKeyCache : null;
    }

    /// <summary>Access to the key that encrypts.</summary>
    public KeyAccess Current => _current;

    /// <summary>Access to all keys, the current one first.</summary>
    public IReadOnlyList<KeyAccess> All => _all;

    public OpenDataKeys Open { get; } = new();

    public AgeClock Clock => _clock;

    /// <summary>The data keys that are cached.</summary>
    public IEnumerable<DataKey> Cached =>
        (_encryption?.Keys ?? []).Select(static key => key.Key).Concat((_decryption?.Keys ?? []).Select(static key => key.Key));

    /// <summary>Uses a data key to encrypt a message.</summary>
    /// <param name="context">The message's encryption context.</param>
    /// <param name="bytes">How many plaintext bytes it is for, as far as is known.</param>
    /// <param name="use">Uses the key on the spot.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public ValueTask<T> EncryptAsync<T>(EncryptionContext context, long bytes, Func<EncryptionKey, T> use, CancellationToken cancellationToken) =>
        EncryptAsync(context, bytes, use, isSecondTry: false, cancellationToken);

    private async ValueTask<T> EncryptAsync<T>(
        EncryptionContext context, long bytes, Func<EncryptionKey, T> use, bool isSecondTry, CancellationToken cancellationToken)
    {
        if (EncryptionCache is not { } cache)
        {
            using var made = await MakeAsync(context, cancellationToken).ConfigureAwait(false);
            return use(made);
        }

        var isEnsured = false;
        while (cache.TryEnter(context.Section.Span, bytes, _clock.Now, _grace, out var cached, out var isDue))
        {
            try
            {
                var now = _clock.Now;
                var isStale = IsStale(cached, now);
                if (isStale && !_current.IsOut(now))
                {
                    break;
                }

                if (isEnsured || _current.Permits(KeyUse.Write, cached.Origin, now))
                {
                    if (isDue || isStale)
                    {
                        Renew(context, cached, now);
                    }

                    cache.Asked(hasIt: true);
                    return use(cached);
                }

                if (isStale)
                {
                    break;
                }
            }
            finally
            {
                cached.Key.Exit();
            }

            await _current.EnsureAsync(KeyUse.Write, cached.Origin, cancellationToken).ConfigureAwait(false);
            isEnsured = true;
        }

        cache.Asked(hasIt: false);
        var caller = Activities.Caller;
        try
        {
            var seat = await EncryptionFlights.JoinAsync(
                context.Section,
                token => MakeSharedAsync(context, caller, token),
                () => !isSecondTry && cache.Has(context.Section.Span, _clock.Now),
                cancellationToken).ConfigureAwait(false);
            if (seat is { } mine)
            {
                using (mine)
                {
                    Keep(cache, mine, context, bytes);
                    ThrowIfDenied(mine.Key, mine.Key.Sent, AwsAction.Encrypt);
                    return use(mine.Key);
                }
            }
        }
        catch (ByokServiceException e) when (IsOutage(e) && _current.MayServeStale(KeyUse.Write, _clock.Now) && cache.TryEnter(context.Section.Span, bytes, _clock.Now, _grace, out var stale, out _))
        {
            return UseStale(stale, use);
        }

        return await EncryptAsync(context, bytes, use, isSecondTry: true, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Uses the data key of a message.</summary>
    /// <param name="header">The message's header.</param>
    /// <param name="use">Uses the key on the spot. Fails if the header is not authentic.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public ValueTask<T> DecryptAsync<T>(MessageHeader header, Func<DecryptionKey, T> use, CancellationToken cancellationToken) =>
        DecryptAsync(header, use, isSecondTry: false, cancellationToken);

    private async ValueTask<T> DecryptAsync<T>(MessageHeader header, Func<DecryptionKey, T> use, bool isSecondTry, CancellationToken cancellationToken)
    {
        if (DecryptionCache is not { } cache)
        {
            var candidates = FindCandidates(header);
            using var key = await FetchAsync(candidates, header.EncryptionContext, cancellationToken).ConfigureAwait(false);
            return use(key);
        }

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
            // Copied, because the flight may go on after the caller has given up and reused its buffer.
            var candidates = FindCandidates(header);
            var context = header.EncryptionContext;
            var seat = await DecryptionFlights.JoinAsync(
                header.Wrapping,
                token => FetchSharedAsync(candidates, context, caller, token),
                () => !isSecondTry && candidates.Exists(candidate => cache.Has(candidate.Id, _clock.Now)),
                cancellationToken).ConfigureAwait(false);
            if (seat is { } mine)
            {
                using (mine)
                {
                    ThrowIfDenied(mine.Key, mine.Key.Sent, AwsAction.Decrypt);
                    var result = use(mine.Key);
                    mine.HandOver((_, key) => Keep(cache, key.Id, key, key.Sent, AwsAction.Decrypt, bytes: 0));
                    return result;
                }
            }
        }
        catch (ByokServiceException e) when (IsOutage(e) && TryEnter(cache, header, out var stale))
        {
            if (!stale.Access.MayServeStale(KeyUse.Read, _clock.Now))
            {
                stale.Key.Exit();
                throw;
            }

            return UseStale(stale, use);
        }

        return await DecryptAsync(header, use, isSecondTry: true, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Counts the bytes of a message whose length was not known beforehand.</summary>
    public void Count(EncryptionContext context, long bytes) => _encryption?.Count(context.Section.Span, bytes);

    /// <summary>A new data key, wrapped by a call of its own. The caller disposes it.</summary>
    /// <exception cref="ArgumentException">The header would be too long.</exception>
    public Task<EncryptionKey> MakeAsync(EncryptionContext context, CancellationToken cancellationToken) => _current.Key.OperationAsync(
        async token =>
        {
            var key = DataKey.Generate();
            try
            {
                var wrapped = await _current.EncryptAsync(key, context.Pairs, context.Section, token).ConfigureAwait(false);
                var template = new MessageTemplate(context, [wrapped.Encrypted], _options.FrameLength);
                ThrowIfTooLong(template);
                return new EncryptionKey(key, wrapped.Origin, _current, template, wrapped.Sent);
            }
            catch
            {
                key.Dispose();
                throw;
            }
        },
        AwsAction.Encrypt,
        cancellationToken);

    /// <summary>The data key of a message, by calls of its own that are part of a larger operation. The caller disposes it.</summary>
    public async Task<DecryptionKey> FetchAsync(MessageHeader header, CancellationToken cancellationToken) =>
        await FetchWithinAsync(FindCandidates(header), header.EncryptionContext, cancellationToken).ConfigureAwait(false);

    /// <summary>Whether a message's encrypted data keys are all under the current key.</summary>
    public bool AreCurrent(IReadOnlyList<EncryptedDataKey> encryptedKeys) =>
        encryptedKeys.All(encrypted => encrypted.TryGetKeyArn(out var arn) && _current.Key.IsNamedBy(arn));

    /// <summary>Begins the use of a data key by a stream.</summary>
    /// <param name="access">Access to the wrapping key.</param>
    /// <param name="use">Whether the stream is decrypted or encrypted.</param>
    /// <param name="origin">The data key's origin.</param>
    /// <param name="began">The moment before the data key was taken.</param>
    public StreamUse BeginStream(KeyAccess access, KeyUse use, Origin origin, Moment began)
    {
        var stream = new StreamUse(access, use, origin, _clock, Remove);
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_disposed.IsCancellationRequested, typeof(IByokKeyRing));
            (_streams ??= []).Add(stream);
        }

        if (access.FindDenial(began, use == KeyUse.Read ? AwsAction.Decrypt : AwsAction.Encrypt, origin.ContextId) is { } denial)
        {
            stream.Dispose();
            throw denial;
        }

        return stream;
    }

    /// <summary>Opens a data key for the application.</summary>
    /// <param name="cipher">Its cipher. Owned from now on.</param>
    /// <param name="access">Access to the wrapping key.</param>
    /// <param name="origin">The origin.</param>
    /// <param name="began">The moment before the data key was taken.</param>
    /// <param name="operation">The action that it came by.</param>
    /// <param name="create">Creates the object that the application holds.</param>
    public ByokDataKey OpenKey(ValueCipher cipher, KeyAccess access, Origin origin, Moment began, string operation, Func<OpenDataKey, ByokDataKey> create)
    {
        var open = new OpenDataKey(cipher, access, origin, Open, _clock);
        var key = create(open);
        open.HoldBy(key);
        try
        {
            Open.Add(open);
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

        Arm(_interval / 2);
        return key;
    }

    public ErasedKeys Erase(KeyAccess access, DenialScope scope, ByokKeyUnavailableException denial)
    {
        bool IsDenied(ICachedKey key) => key.Access == access && scope.Concerns(key.Origin.ContextId);
        var cached = (scope.Encrypt ? _encryption?.Remove(IsDenied, EvictionCause.Revoked) ?? 0 : 0)
            + (scope.Decrypt ? _decryption?.Remove(IsDenied, EvictionCause.Revoked) ?? 0 : 0);
        var open = scope.Decrypt ? Open.Deny(access, scope, denial) : 0;
        StreamUse[] streams;
        lock (_gate)
        {
            streams = [.. (_streams ?? []).Where(stream => stream.IsConcernedBy(access, scope))];
        }

        Array.ForEach(streams, stream => stream.Stop(denial));
        return new ErasedKeys(cached, open, streams.Length);
    }

    public Origin? FindOrigin(KeyAccess access, ReadOnlyMemory<byte> contextId) =>
        _decryption?.Find(key => key.Access == access && key.Origin.IsIn(contextId))?.Origin ?? Open.FindOrigin(access, contextId);

    public void Dispose()
    {
        _disposed.Cancel();
        Open.Dispose();
        EncryptionCache?.Dispose(); // created if need be, so that a flight that lands later finds a disposed cache
        DecryptionCache?.Dispose();
        StreamUse[] streams;
        lock (_gate)
        {
            _timer?.Dispose();
            streams = [.. _streams ?? []];
        }

        Array.ForEach(streams, static stream => stream.Stop(new ObjectDisposedException(nameof(IByokKeyRing))));
        _keys.Dispose();
    }

    private DataKeyCache<EncryptionKey>? EncryptionCache => _caching is null ? null : Volatile.Read(ref _encryption) ?? Created(ref _encryption, new(_caching, CacheMeter.Encryption));

    private DataKeyCache<DecryptionKey>? DecryptionCache => _caching is null ? null : Volatile.Read(ref _decryption) ?? Created(ref _decryption, new(_caching, CacheMeter.Decryption));

    private KeyFlights<EncryptionKey> EncryptionFlights => Volatile.Read(ref _encryptionFlights) ?? Created(ref _encryptionFlights, new(_disposed.Token));

    private KeyFlights<DecryptionKey> DecryptionFlights => Volatile.Read(ref _decryptionFlights) ?? Created(ref _decryptionFlights, new(_disposed.Token));

    private static T Created<T>(ref T? place, T created)
        where T : class => Interlocked.CompareExchange(ref place, created, null) ?? created;

    private static bool IsOutage(ByokServiceException e) => e.Trouble is ServiceTrouble.Outage or ServiceTrouble.NotTried;

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
            if (cache.TryEnter(header.WrappingOf(i).Span, bytes: 0, now, grace, out key, out _))
            {
                return true;
            }
        }

        key = null;
        return false;
    }

    private bool TryEnter(DataKeyCache<DecryptionKey> cache, MessageHeader header, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out DecryptionKey? key) =>
        TryEnter(cache, header, _clock.Now, _grace, out key) && key is not null;

    /// <summary>Whether a cached key is older than its lifetime, so that only an outage permits its use.</summary>
    private bool IsStale(ICachedKey key, long now) => now - key.Since >= _maxAge;

    private static void ThrowIfDenied(ICachedKey key, Moment since, string operation)
    {
        if (key.Access.FindDenial(since, operation, key.Origin.ContextId) is { } denial)
        {
            throw denial;
        }
    }

    private void ThrowIfTooLong(MessageTemplate template)
    {
        if (template.HeaderLength > _options.MaxHeaderLength)
        {
            var parameter = "encryptionContext"; // the ring's caller's
            throw new ArgumentException( // this ring could not read it back
                $"The message's header would take {template.HeaderLength} bytes, more than the {_options.MaxHeaderLength} that MaxHeaderLength allows.", parameter);
        }
    }

    private async Task<EncryptionKey> MakeSharedAsync(EncryptionContext context, ActivityContext caller, CancellationToken cancellationToken)
    {
        using var activity = Activities.StartShared(Activities.FetchDataKey, caller);
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
        _current.Key.OperationAsync(token => FetchWithinAsync(candidates, context, token), AwsAction.Decrypt, cancellationToken);

    /// <summary>Unwraps the first encrypted data key that AWS accepts.</summary>
    private static async Task<DecryptionKey> FetchWithinAsync(List<Candidate> candidates, EncryptionContext context, CancellationToken cancellationToken)
    {
        ByokException? error = null;
        foreach (var candidate in candidates)
        {
            try
            {
                var key = await candidate.Access.DecryptAsync(candidate.Ciphertext, context.Pairs, context.Section, cancellationToken).ConfigureAwait(false);
                return new DecryptionKey(key, candidate.Access, candidate.Id);
            }
            catch (ByokException e)
            {
                // A message may be encrypted under several keys: another one may do. An outage or a denial says more than "not authentic".
                error = error is null or ByokDecryptionException ? e : error;
            }
        }

        throw error ?? new ByokDecryptionException();
    }

    /// <summary>The encrypted data keys of a message that this ring's keys can unwrap, copied.</summary>
    /// <exception cref="ByokDecryptionException">There is none.</exception>
    private List<Candidate> FindCandidates(MessageHeader header)
    {
        var (candidates, isOurs) = (new List<Candidate>(), false);
        for (var i = 0; i < header.EncryptedDataKeys.Count; i++)
        {
            var encrypted = header.EncryptedDataKeys[i];
            if (encrypted.TryGetKeyArn(out var arn) && Array.Find(_all, access => access.Key.IsNamedBy(arn)) is { } access)
            {
                isOurs = true;
                if (encrypted.Ciphertext.Length is > 0 and <= AnswerChecks.LongestBlob)
                {
                    candidates.Add(new Candidate(access, encrypted.Ciphertext.ToArray(), header.WrappingOf(i).ToArray()));
                }
            }
        }

        return candidates.Count > 0 ? candidates
            : throw (isOurs
                ? new ByokDecryptionException()
                : new ByokDecryptionException(
                    "The message is not encrypted under a key of this key ring. If the customer changed keys, add the old one to PreviousKeys."));
    }

    private void Renew(EncryptionContext context, EncryptionKey old, long now)
    {
        if (!_disposed.IsCancellationRequested && old.TryBeginRenewal(now))
        {
            _ = SharedWork.Start(async () =>
            {
                var isRenewed = false;
                try
                {
                    using var seat = (await EncryptionFlights.JoinAsync(
                        context.Section, token => MakeSharedAsync(context, caller: default, token), static () => false, _disposed.Token).ConfigureAwait(false))!.Value;
                    Keep(EncryptionCache!, seat, context, bytes: null);
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
        if (!isHandedOver && bytes is { } more)
        {
            cache.Count(context.Section.Span, more);
        }
    }

    private void Keep<T>(DataKeyCache<T> cache, byte[] id, T key, Moment sent, string operation, long? bytes)
        where T : class, ICachedKey
    {
        cache.Add(id, key, bytes is null ? 0 : 1, bytes ?? 0);
        if (key.Access.FindDenial(sent, operation, key.Origin.ContextId) is not null)
        {
            cache.Remove(cached => ReferenceEquals(cached, key), EvictionCause.Revoked);
        }

        Arm(_interval);
    }

    private void Remove(StreamUse stream)
    {
        lock (_gate)
        {
            _streams?.Remove(stream);
        }
    }

    /// <summary>Starts the timer that erases what has expired and keeps the facts of open data keys fresh; does nothing if it is due sooner.</summary>
    private void Arm(TimeSpan due)
    {
        lock (_gate)
        {
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
            _due = long.MaxValue;
        }

        var now = _clock.Now;
        _encryption?.Sweep(now);
        _decryption?.Sweep(now);
        var due = _interval;
        foreach (var (access, origin) in Open.Sweep())
        {
            var next = access.KeepFresh(origin);
            due = next < due ? next : due;
        }

        if (!Open.IsEmpty || _encryption?.IsEmpty == false || _decryption?.IsEmpty == false)
        {
            Arm(due);
        }
    }

    /// <param name="Access">Access to the wrapping key.</param>
    /// <param name="Ciphertext">The ciphertext to unwrap.</param>
    /// <param name="Id">What its data key is cached under.</param>
    private sealed record Candidate(KeyAccess Access, byte[] Ciphertext, byte[] Id);
}
