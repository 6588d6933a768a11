using Microsoft.Extensions.Logging;
using Scalr.Byok.Kms.DataKeys;
using Scalr.Byok.Kms.Diagnostics;
using Scalr.Byok.Kms.Kms;
using Scalr.Byok.Kms.Messages;

namespace Scalr.Byok.Kms.KeyRing;

/// <summary>The data keys of one ring: from its caches, or from AWS KMS; and erased when the customer takes the key away.</summary>
internal sealed class RingDataKeys : IDisposable
{
    /// <summary>The part of a key's time after which it is looked after ahead of its end.</summary>
    private const double RenewalAge = 0.8;

    private readonly DataKeySource _source;
    private readonly KeyProbe _probe;
    private readonly MessageOptions _options;
    private readonly TimeProvider _time;
    private readonly DataKeyCache? _forEncryption;
    private readonly DataKeyCache? _forDecryption;
    private readonly RingWatch _watch;
    private readonly ILogger _logger;

    /// <param name="source">Makes and opens data keys. Owned from now on.</param>
    /// <param name="probe">Looks at the key.</param>
    /// <param name="options">The operator's options.</param>
    /// <param name="time">The clock.</param>
    /// <param name="logger">The log.</param>
    public RingDataKeys(DataKeySource source, KeyProbe probe, ByokOptions options, TimeProvider time, ILogger logger)
    {
        _source = source;
        _probe = probe;
        _time = time;
        _logger = logger;
        _options = MessageOptions.From(options);
        var (maxAge, interval) = (options.DataKeyCache.MaxAge, options.ConfirmationInterval);
        if (maxAge > TimeSpan.Zero)
        {
            _forEncryption = new DataKeyCache(options.DataKeyCache, renewsAhead: true, time);
            _forDecryption = new DataKeyCache(options.DataKeyCache, renewsAhead: false, time);
        }
        else
        {
            (maxAge, interval) = (interval, interval / 2); // an open data key lasts until it should have been looked at, which is in time for one that is used
        }

        _watch = new RingWatch(Sweep, LookAsync, interval, time, logger);
        _source.OnRefusal(Revoke);
        Terms = new TenureTerms(maxAge, options.DataKeyCache.OutageGrace, time, _watch.Touch);
    }

    /// <summary>The data keys that callers have open.</summary>
    public OpenDataKeys Open { get; } = new();

    /// <summary>How long those last.</summary>
    public TenureTerms Terms { get; }

    /// <summary>Uses a data key to encrypt a message under, with what all its messages have in common.</summary>
    /// <param name="context">The message's encryption context.</param>
    /// <param name="bytes">How many plaintext bytes it is for, as far as is known.</param>
    /// <param name="use">Uses the key on the spot; must be able to begin anew.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public async ValueTask<T> UseNewAsync<T>(EncryptionContext context, long bytes, Func<DataKey, MessageTemplate, T> use, CancellationToken cancellationToken)
    {
        while (true)
        {
            using var lease = await NewAsync(context, bytes, cancellationToken).ConfigureAwait(false);
            try
            {
                return use(lease.Key, (MessageTemplate)lease.Companion!);
            }
            catch (ObjectDisposedException) when (lease.WasErased)
            {
                // The cache erased it at this moment: replaced by another, or revoked, which the next look will tell.
            }
        }
    }

    /// <summary>Uses the data key of a message.</summary>
    /// <param name="header">The message's header.</param>
    /// <param name="use">Uses the key on the spot; must be able to begin anew.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public async ValueTask<T> UseAsync<T>(MessageHeader header, Func<DataKey, T> use, CancellationToken cancellationToken)
    {
        while (true)
        {
            using var lease = await OpenAsync(header, cancellationToken).ConfigureAwait(false);
            try
            {
                return use(lease.Key);
            }
            catch (ObjectDisposedException) when (lease.WasErased)
            {
                // As above.
            }
        }
    }

    /// <summary>Counts the bytes of a message whose length was not known beforehand.</summary>
    public void Count(EncryptionContext context, long bytes) => _forEncryption?.Count(context.Section.Span, bytes);

    /// <summary>A new data key, whatever the cache has, and a template for its messages. The caller disposes it.</summary>
    /// <exception cref="ArgumentException">The header would be too long.</exception>
    public async Task<CachedKey> MakeAsync(EncryptionContext context, CancellationToken cancellationToken)
    {
        var asked = _time.GetTimestamp();
        var (key, encrypted) = await _source.CreateAsync(context.Pairs, cancellationToken).ConfigureAwait(false);
        var template = new MessageTemplate(context, [encrypted], _options.FrameLength);
        if (template.HeaderLength <= _options.MaxHeaderLength)
        {
            return new CachedKey(key, new KeyOrigin(_source.CurrentArn, encrypted, context.Pairs, asked), template);
        }

        key.Dispose();
        var parameter = "encryptionContext"; // the ring's caller's
        throw new ArgumentException( // this ring could not read it back
            $"The message's header would take {template.HeaderLength} bytes, more than the {_options.MaxHeaderLength} that MaxHeaderLength allows.", parameter);
    }

    /// <summary>The data key of a message, from the cache if it is there.</summary>
    public async ValueTask<KeyLease> OpenAsync(MessageHeader header, CancellationToken cancellationToken)
    {
        if (_forDecryption is null)
        {
            return new KeyLease(await OpenAnewAsync(header, cancellationToken).ConfigureAwait(false), isKept: false);
        }

        _watch.Touch();
        if (!_forDecryption.TryGet(header.Wrapping.Span, bytes: 0, out var key, out _))
        {
            key = await _forDecryption.GetAsync(header.Wrapping, bytes: 0, token => OpenAnewAsync(header, token), cancellationToken).ConfigureAwait(false);
        }

        return new KeyLease(key, isKept: true);
    }

    /// <summary>Sees to it in the background that what a message's data key opens does not end before long, as it would if AWS KMS confirmed that one long ago.</summary>
    public void ConfirmAhead(MessageHeader header, KeyOrigin origin)
    {
        if (_time.GetElapsedTime(origin.Confirmed) >= Terms.MaxAge * RenewalAge)
        {
            _forDecryption?.Renew(header.Wrapping.Span, token => OpenAnewAsync(header, token));
        }
    }

    /// <summary>Erases the data keys of a key that AWS says cannot be used.</summary>
    public void Revoke(KmsKeyArn owner, ByokKeyUnavailableException refusal)
    {
        var count = (_forEncryption?.Revoke(owner) ?? 0) + (_forDecryption?.Revoke(owner) ?? 0) + Open.Revoke(owner, refusal);
        if (count > 0)
        {
            _logger.KeyRevoked(owner, count);
        }
    }

    public void Dispose()
    {
        _watch.Dispose();
        Open.Dispose();
        _forEncryption?.Dispose();
        _forDecryption?.Dispose();
        _source.Dispose();
    }

    private async ValueTask<KeyLease> NewAsync(EncryptionContext context, long bytes, CancellationToken cancellationToken)
    {
        if (_forEncryption is null)
        {
            return new KeyLease(await MakeAsync(context, cancellationToken).ConfigureAwait(false), isKept: false);
        }

        _watch.Touch();
        if (_forEncryption.TryGet(context.Section.Span, bytes, out var key, out var isDue))
        {
            if (isDue)
            {
                _forEncryption.Renew(context.Section.Span, token => MakeAsync(context, token));
            }
        }
        else
        {
            key = await _forEncryption.GetAsync(context.Section, bytes, token => MakeAsync(context, token), cancellationToken).ConfigureAwait(false);
        }

        return new KeyLease(key, isKept: true);
    }

    private async Task<CachedKey> OpenAnewAsync(MessageHeader header, CancellationToken cancellationToken)
    {
        var asked = _time.GetTimestamp();
        var context = header.EncryptionContext.Pairs;
        var opened = await _source.OpenAsync(header.EncryptedDataKeys, context, cancellationToken).ConfigureAwait(false);

        // A copy: the message is its owner's, who may change it or let it go.
        var encrypted = opened.Encrypted with { ProviderInfo = opened.Encrypted.ProviderInfo.ToArray(), Ciphertext = opened.Encrypted.Ciphertext.ToArray() };
        Open.Confirm(encrypted, asked);
        return new CachedKey(opened.Key, new KeyOrigin(opened.Owner, encrypted, context, asked));
    }

    private bool Sweep() => Cached().Any() | Open.Sweep();

    private IEnumerable<KeyOrigin> Cached() => (_forEncryption?.Sweep() ?? []).Concat(_forDecryption?.Sweep() ?? []);

    /// <summary>Looks at each of the customer's keys whose data keys are here: those that are open and in use, all of them; if there are none, one of the cached.</summary>
    private Task LookAsync(CancellationToken cancellationToken)
    {
        var open = Open.TakeUsed();
        var cached = Cached().DistinctBy(origin => origin.Owner).Where(one => open.All(other => other.Owner != one.Owner));
        return Task.WhenAll(open.Concat(cached).GroupBy(origin => origin.Owner).Select(keys => LookAsync(keys.Key, [.. keys], cancellationToken)));
    }

    /// <summary>Whether the role still may be assumed, how the key is, and whether it still unwraps.</summary>
    private async Task LookAsync(KmsKeyArn owner, IReadOnlyList<KeyOrigin> keys, CancellationToken cancellationToken)
    {
        try
        {
            await _source.RenewSessionAsync(owner, cancellationToken).ConfigureAwait(false);
            if (owner == _source.CurrentArn && await _probe.ProbeAsync(cancellationToken).ConfigureAwait(false) is { Reason: { } reason })
            {
                _source.Refuse(owner, reason);
                return;
            }

            await Task.WhenAll(keys.Select(key => CheckAsync(key, cancellationToken))).ConfigureAwait(false);
        }
        catch (ByokServiceException e) when (e.IsTransient)
        {
            foreach (var key in keys)
            {
                Open.Fail(key.Encrypted);
            }

            throw;
        }
    }

    private async Task CheckAsync(KeyOrigin key, CancellationToken cancellationToken)
    {
        var asked = _time.GetTimestamp();
        await _source.CheckAsync(key, cancellationToken).ConfigureAwait(false);
        key.Confirm(asked);
        Open.Confirm(key.Encrypted, asked);
    }
}
