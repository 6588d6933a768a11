using Microsoft.Extensions.Logging;
using Scalr.Byok.Kms.DataKeys;
using Scalr.Byok.Kms.Diagnostics;
using Scalr.Byok.Kms.Kms;
using Scalr.Byok.Kms.Messages;

namespace Scalr.Byok.Kms.KeyRing;

/// <summary>The data keys of one ring: from its caches, or from AWS KMS; and erased when the customer takes the key away.</summary>
internal sealed class RingDataKeys : IDisposable
{
    private readonly DataKeySource _source;
    private readonly KeyProbe _probe;
    private readonly MessageOptions _options;
    private readonly DataKeyCache? _forEncryption;
    private readonly DataKeyCache? _forDecryption;
    private readonly RingWatch? _watch;
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
        _logger = logger;
        _options = MessageOptions.From(options);
        if (options.DataKeyCache.MaxAge > TimeSpan.Zero)
        {
            _forEncryption = new DataKeyCache(options.DataKeyCache, renewsAhead: true, time);
            _forDecryption = new DataKeyCache(options.DataKeyCache, renewsAhead: false, time);
            _watch = new RingWatch(Sweep, LookAsync, options.ProbeInterval, time, logger);
            _source.OnRefusal(Revoke);
        }
    }

    /// <summary>Uses a data key to encrypt a message under, with what all its messages have in common.</summary>
    /// <param name="context">The message's encryption context.</param>
    /// <param name="bytes">How many plaintext bytes it is for, as far as is known.</param>
    /// <param name="use">Uses the key on the spot; must be able to begin anew.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public async ValueTask<T> UseNewAsync<T>(EncryptionContext context, long bytes, Func<DataKey, MessageTemplate, T> use, CancellationToken cancellationToken)
    {
        while (true)
        {
            var (lease, template) = await NewAsync(context, bytes, cancellationToken).ConfigureAwait(false);
            using (lease)
            {
                try
                {
                    return use(lease.Key, template);
                }
                catch (ObjectDisposedException) when (lease.WasErased)
                {
                    // The cache erased it at this moment: replaced by another, or revoked, which the next look will tell.
                }
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

    /// <summary>Erases the cached data keys of a key that AWS says cannot be used.</summary>
    public void Revoke(KmsKeyArn owner)
    {
        var count = (_forEncryption?.Revoke(owner) ?? 0) + (_forDecryption?.Revoke(owner) ?? 0);
        if (count > 0)
        {
            _logger.KeyRevoked(owner, count);
        }
    }

    public void Dispose()
    {
        _watch?.Dispose();
        _forEncryption?.Dispose();
        _forDecryption?.Dispose();
        _source.Dispose();
    }

    private async ValueTask<(KeyLease Lease, MessageTemplate Template)> NewAsync(EncryptionContext context, long bytes, CancellationToken cancellationToken)
    {
        if (_forEncryption is null)
        {
            var made = await MakeAsync(context, cancellationToken).ConfigureAwait(false);
            return (new KeyLease(made.Key, isKept: false), (MessageTemplate)made.Companion!);
        }

        _watch!.Touch();
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

        return (new KeyLease(key.Key, isKept: true), (MessageTemplate)key.Companion!);
    }

    private async ValueTask<KeyLease> OpenAsync(MessageHeader header, CancellationToken cancellationToken)
    {
        if (_forDecryption is null)
        {
            return new KeyLease((await _source.OpenAsync(header.EncryptedDataKeys, header.EncryptionContext.Pairs, cancellationToken).ConfigureAwait(false)).Key, isKept: false);
        }

        _watch!.Touch();
        if (!_forDecryption.TryGet(header.Wrapping.Span, bytes: 0, out var key, out _))
        {
            key = await _forDecryption.GetAsync(header.Wrapping, bytes: 0, token => OpenAnewAsync(header, token), cancellationToken).ConfigureAwait(false);
        }

        return new KeyLease(key.Key, isKept: true);
    }

    private async Task<CachedKey> MakeAsync(EncryptionContext context, CancellationToken cancellationToken)
    {
        var (key, encrypted) = await _source.CreateAsync(context.Pairs, cancellationToken).ConfigureAwait(false);
        var template = new MessageTemplate(context, [encrypted], _options.FrameLength);
        if (template.HeaderLength <= _options.MaxHeaderLength)
        {
            return new CachedKey(key, _source.CurrentArn, token => _source.CheckAsync(encrypted, context.Pairs, token), template);
        }

        key.Dispose();
        var parameter = "encryptionContext"; // the ring's caller's
        throw new ArgumentException( // this ring could not read it back
            $"The message's header would take {template.HeaderLength} bytes, more than the {_options.MaxHeaderLength} that MaxHeaderLength allows.", parameter);
    }

    private async Task<CachedKey> OpenAnewAsync(MessageHeader header, CancellationToken cancellationToken)
    {
        var context = header.EncryptionContext.Pairs;
        var opened = await _source.OpenAsync(header.EncryptedDataKeys, context, cancellationToken).ConfigureAwait(false);

        // A copy: the message is its owner's, who may change it or let it go.
        var encrypted = opened.Encrypted with { ProviderInfo = opened.Encrypted.ProviderInfo.ToArray(), Ciphertext = opened.Encrypted.Ciphertext.ToArray() };
        return new CachedKey(opened.Key, opened.Owner, token => _source.CheckAsync(encrypted, context, token));
    }

    private IReadOnlyList<CachedKey> Sweep() => [.. _forEncryption!.Sweep().Concat(_forDecryption!.Sweep()).DistinctBy(key => key.Owner)];

    /// <summary>Whether the role still may be assumed, how the key is, and whether it still unwraps.</summary>
    private async Task LookAsync(CachedKey key, CancellationToken cancellationToken)
    {
        await _source.RenewSessionAsync(key.Owner, cancellationToken).ConfigureAwait(false);
        if (key.Owner == _source.CurrentArn && await _probe.ProbeAsync(cancellationToken).ConfigureAwait(false) is { Reason: { } reason })
        {
            _source.Refuse(key.Owner, reason);
            return;
        }

        await key.CheckAsync(cancellationToken).ConfigureAwait(false);
    }
}
