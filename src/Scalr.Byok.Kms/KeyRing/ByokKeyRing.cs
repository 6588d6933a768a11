using System.Buffers;
using System.Diagnostics;
using Microsoft.Extensions.Logging;
using Scalr.Byok.Kms.DataKeys;
using Scalr.Byok.Kms.Diagnostics;
using Scalr.Byok.Kms.Events;
using Scalr.Byok.Kms.Kms;
using Scalr.Byok.Kms.Messages;
using Scalr.Byok.Kms.Resilience;

namespace Scalr.Byok.Kms.KeyRing;

/// <summary>A key ring: takes data keys from <see cref="PlaintextKeys"/>, and writes and reads messages with them.</summary>
internal sealed class ByokKeyRing : IByokKeyRing, IDeniableKeyRing, IMeteredKeyRing, IDisposable
{
    private readonly PlaintextKeys _keys;
    private readonly CustomerKeys _customerKeys;
    private readonly MessageOptions _options;
    private readonly TenantBinding _binding;
    private readonly AgeClock _clock;
    private bool _disposed;

    /// <param name="keys">The customer's keys. Takes ownership.</param>
    /// <param name="options">The operator's options.</param>
    /// <param name="clock">The clock.</param>
    /// <param name="logger">The log.</param>
    /// <param name="tenant">The tenant that every message is bound to; null if there is none.</param>
    /// <param name="names">The names that mean the same tenant; null if there are none.</param>
    /// <param name="events">Watches the keys for key events; null without observers.</param>
    public ByokKeyRing(
        CustomerKeys keys,
        RingOptions options,
        AgeClock clock,
        ILogger logger,
        string? tenant = null,
        TenantNames? names = null,
        Func<KeyAccess, KeyWatch>? events = null)
    {
        _keys = new PlaintextKeys(keys, options, clock, logger, events);
        _customerKeys = keys;
        _options = _keys.Options;
        _binding = new TenantBinding(tenant, names);
        _clock = clock;
        Rule = new ReencryptionRule(keys.Current.Arn, _options);
    }

    public KmsKeyArn KeyArn => Rule.KeyArn;

    /// <summary>Decides which messages are encrypted again. Can be used after the ring is disposed.</summary>
    public ReencryptionRule Rule { get; }

    public bool IsDisposed => _disposed;

    public bool IsDenied => _keys.Current.StandingDenial is not null;

    public long KmsRequests => _keys.KmsRequests;

    /// <summary>The plaintext data keys of this ring.</summary>
    public PlaintextKeys Keys => _keys;

    // These have no state. Made for each call, because a host has thousands of rings that are idle.
    private Reencryptor Reencryptor => new(_keys, _options, _binding, Rule);

    private DataKeyIssuer Issuer => new(_keys, _options);

    private KeyProbe Probe => new(
        _customerKeys.Current,
        _customerKeys.Current.Regions[0],
        [.. _customerKeys.Current.Regions.Skip(1)],
        [.. _customerKeys.Previous.Select(key => key.Regions[0])],
        _clock.Time);

    public async ValueTask<byte[]> EncryptAsync(
        ReadOnlyMemory<byte> plaintext,
        IReadOnlyDictionary<string, string>? encryptionContext = null,
        CancellationToken cancellationToken = default)
    {
        using var activity = Begin(Activities.Encrypt);
        try
        {
            ThrowIfDone(cancellationToken);
            return await _keys.EncryptAsync(
                _binding.Bind(encryptionContext, nameof(encryptionContext)),
                plaintext.Length,
                key => MessageWriter.Write(key.Template, key.Key, plaintext, _options),
                cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (activity.Note(e))
        {
            throw;
        }
    }

    public ValueTask EncryptAsync(
        ReadOnlyMemory<byte> plaintext,
        IBufferWriter<byte> message,
        IReadOnlyDictionary<string, string>? encryptionContext = null,
        CancellationToken cancellationToken = default) =>
        EncryptAsync(new ReadOnlySequence<byte>(plaintext), message, encryptionContext, cancellationToken);

    /// <summary>As the overload for bytes in one piece.</summary>
    public async ValueTask EncryptAsync(
        ReadOnlySequence<byte> plaintext,
        IBufferWriter<byte> message,
        IReadOnlyDictionary<string, string>? encryptionContext,
        CancellationToken cancellationToken)
    {
        using var activity = Begin(Activities.Encrypt);
        try
        {
            ArgumentNullException.ThrowIfNull(message);
            ThrowIfDone(cancellationToken);
            await _keys.EncryptAsync(
                _binding.Bind(encryptionContext, nameof(encryptionContext)),
                plaintext.Length,
                key =>
                {
                    MessageWriter.WriteTo(message, key.Template, key.Key, plaintext, _options);
                    return true;
                },
                cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (activity.Note(e))
        {
            throw;
        }
    }

    public async Task EncryptAsync(
        Stream plaintext,
        Stream message,
        IReadOnlyDictionary<string, string>? encryptionContext = null,
        CancellationToken cancellationToken = default)
    {
        using var activity = Begin(Activities.Encrypt);
        try
        {
            StreamChecks.ThrowUnlessUsable(plaintext, nameof(plaintext), message, nameof(message));
            ThrowIfDone(cancellationToken);
            var context = _binding.Bind(encryptionContext, nameof(encryptionContext));

            // Marked before the data key is taken: a denial that arrives in between must stop the stream.
            var began = _clock.Mark();
            var writing = await _keys.EncryptAsync(
                context,
                bytes: 0,
                key => InUse<MessageStreamWriter>.Begin(
                    _keys.BeginStream(key.Access, KeyUse.Write, key.Origin, began),
                    () => MessageStreamWriter.Begin(
                        key.Template, key.Key, NonceSource.GetBytes(MessageFormat.MessageIdLength), _options)),
                cancellationToken).ConfigureAwait(false);
            using (writing)
            {
                await writing.Work.RunAsync(plaintext, message, writing.Use, cancellationToken).ConfigureAwait(false);
            }

            _keys.Count(context, writing.Work.Length);
        }
        catch (Exception e) when (activity.Note(e))
        {
            throw;
        }
    }

    /// <summary>Encrypts from pipe to pipe. Can be repeated as long as nothing was written.</summary>
    public async Task EncryptAsync(
        PipePair pipes, IReadOnlyDictionary<string, string>? encryptionContext, CancellationToken cancellationToken)
    {
        using var activity = Begin(Activities.Encrypt);
        try
        {
            ThrowIfDone(cancellationToken);
            var context = _binding.Bind(encryptionContext, nameof(encryptionContext));

            // Marked before the data key is taken, as for streams.
            var began = _clock.Mark();
            var writing = await _keys.EncryptAsync(
                context,
                bytes: 0,
                key => InUse<MessagePipeWriter>.Begin(
                    _keys.BeginStream(key.Access, KeyUse.Write, key.Origin, began),
                    () => MessagePipeWriter.Begin(
                        key.Template, key.Key, NonceSource.GetBytes(MessageFormat.MessageIdLength), _options)),
                cancellationToken).ConfigureAwait(false);
            using (writing)
            {
                await writing.Work.RunAsync(pipes, writing.Use, cancellationToken).ConfigureAwait(false);
            }

            _keys.Count(context, writing.Work.Length);
        }
        catch (Exception e) when (activity.Note(e))
        {
            throw;
        }
    }

    public async ValueTask<byte[]> DecryptAsync(
        ReadOnlyMemory<byte> message,
        IReadOnlyDictionary<string, string>? encryptionContext = null,
        CancellationToken cancellationToken = default)
    {
        using var activity = Begin(Activities.Decrypt);
        try
        {
            // Trust boundary: nothing in the message is authenticated yet. The header only selects a key of this ring and its bounds.
            var expected = Expect(encryptionContext, cancellationToken);
            var header = ReadHeader(message);
            return await WithKeyAsync(
                header,
                expected,
                key => MessageReader.Read(header, new(message), key.Key, _options.MaxDegreeOfParallelism),
                cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (activity.Note(e))
        {
            throw;
        }
    }

    public ValueTask DecryptAsync(
        ReadOnlyMemory<byte> message,
        IBufferWriter<byte> plaintext,
        IReadOnlyDictionary<string, string>? encryptionContext = null,
        CancellationToken cancellationToken = default) =>
        DecryptAsync(new ReadOnlySequence<byte>(message), plaintext, encryptionContext, cancellationToken);

    /// <summary>As the overload for a message in one piece.</summary>
    public async ValueTask DecryptAsync(
        ReadOnlySequence<byte> message,
        IBufferWriter<byte> plaintext,
        IReadOnlyDictionary<string, string>? encryptionContext,
        CancellationToken cancellationToken)
    {
        using var activity = Begin(Activities.Decrypt);
        try
        {
            ArgumentNullException.ThrowIfNull(plaintext);
            var expected = Expect(encryptionContext, cancellationToken);
            var header = ReadHeader(message);
            await WithKeyAsync(
                header,
                expected,
                key =>
                {
                    MessageReader.ReadTo(plaintext, header, message, key.Key, _options.MaxDegreeOfParallelism);
                    return true;
                },
                cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (activity.Note(e))
        {
            throw;
        }
    }

    public async Task DecryptAsync(
        Stream message,
        Stream plaintext,
        IReadOnlyDictionary<string, string>? encryptionContext = null,
        CancellationToken cancellationToken = default)
    {
        using var activity = Begin(Activities.Decrypt);
        try
        {
            StreamChecks.ThrowUnlessUsable(message, nameof(message), plaintext, nameof(plaintext));
            var expected = Expect(encryptionContext, cancellationToken);
            var input = new MessageInput(message, _options);
            var header = await input.ReadHeaderAsync(cancellationToken).ConfigureAwait(false);
            var began = _clock.Mark();
            using var reading = await WithKeyAsync(
                header,
                expected,
                key => InUse<MessageStreamReader>.Begin(
                    _keys.BeginStream(key.Access, KeyUse.Read, key.Origin, began),
                    () => MessageStreamReader.Begin(input, header, key.Key, _options)),
                cancellationToken).ConfigureAwait(false);
            await reading.Work.RunAsync(plaintext, reading.Use, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (activity.Note(e))
        {
            throw;
        }
    }

    /// <summary>Decrypts from pipe to pipe. Can be repeated as long as nothing was written.</summary>
    public async Task DecryptAsync(
        PipePair pipes, IReadOnlyDictionary<string, string>? encryptionContext, CancellationToken cancellationToken)
    {
        using var activity = Begin(Activities.Decrypt);
        try
        {
            var expected = Expect(encryptionContext, cancellationToken);
            var header = await pipes.ReadHeaderAsync(_options, cancellationToken).ConfigureAwait(false);
            var began = _clock.Mark();
            using var reading = await WithKeyAsync(
                header,
                expected,
                key => InUse<MessagePipeReader>.Begin(
                    _keys.BeginStream(key.Access, KeyUse.Read, key.Origin, began),
                    () => MessagePipeReader.Begin(header, key.Key, _options)),
                cancellationToken).ConfigureAwait(false);
            await reading.Work.RunAsync(pipes, reading.Use, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (activity.Note(e))
        {
            throw;
        }
    }

    public async ValueTask<byte[]> ReencryptAsync(
        ReadOnlyMemory<byte> message,
        ByokReencryptWhen policy = ByokReencryptWhen.KeyDiffers,
        CancellationToken cancellationToken = default)
    {
        using var activity = Begin(Activities.Reencrypt);
        try
        {
            ThrowIfDone(cancellationToken);
            var (isMoved, moved) = await Reencryptor.RunAsync(
                ReadHeader(message),
                message,
                policy,
                (key, plaintext) => MessageWriter.Write(key.Template, key.Key, plaintext, _options),
                cancellationToken).ConfigureAwait(false);
            return isMoved ? moved! : message.ToArray();
        }
        catch (Exception e) when (activity.Note(e))
        {
            throw;
        }
    }

    public async ValueTask<bool> ReencryptAsync(
        ReadOnlyMemory<byte> message,
        IBufferWriter<byte> reencrypted,
        ByokReencryptWhen policy = ByokReencryptWhen.KeyDiffers,
        CancellationToken cancellationToken = default)
    {
        using var activity = Begin(Activities.Reencrypt);
        try
        {
            ArgumentNullException.ThrowIfNull(reencrypted);
            ThrowIfDone(cancellationToken);
            var (isMoved, _) = await Reencryptor.RunAsync(
                ReadHeader(message),
                message,
                policy,
                (key, plaintext) =>
                {
                    MessageWriter.WriteTo(reencrypted, key.Template, key.Key, new(plaintext), _options);
                    return true;
                },
                cancellationToken).ConfigureAwait(false);
            if (!isMoved)
            {
                message.CopyTo(reencrypted.GetMemory(message.Length));
                reencrypted.Advance(message.Length);
            }

            return isMoved;
        }
        catch (Exception e) when (activity.Note(e))
        {
            throw;
        }
    }

    public async Task<bool> ReencryptAsync(
        Stream message,
        Stream reencrypted,
        ByokReencryptWhen policy = ByokReencryptWhen.KeyDiffers,
        CancellationToken cancellationToken = default)
    {
        using var activity = Begin(Activities.Reencrypt);
        try
        {
            StreamChecks.ThrowUnlessUsable(message, nameof(message), reencrypted, nameof(reencrypted));
            ThrowIfDone(cancellationToken);
            return await Reencryptor.RunAsync(message, reencrypted, policy, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (activity.Note(e))
        {
            throw;
        }
    }

    /// <summary>Encrypts a message from pipe to pipe again. If it is current already, only its header is consumed.</summary>
    public async Task<bool> ReencryptAsync(PipePair pipes, ByokReencryptWhen policy, CancellationToken cancellationToken)
    {
        using var activity = Begin(Activities.Reencrypt);
        try
        {
            ThrowIfDone(cancellationToken);
            return await Reencryptor.RunAsync(pipes, policy, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (activity.Note(e))
        {
            throw;
        }
    }

    public bool NeedsReencryption(ReadOnlyMemory<byte> message, ByokReencryptWhen policy = ByokReencryptWhen.KeyDiffers) =>
        Rule.Applies(message, policy);

    public bool NeedsReencryption(UnauthenticatedHeader header, ByokReencryptWhen policy = ByokReencryptWhen.KeyDiffers) =>
        Rule.Applies(header, policy);

    public async Task<ByokKeyHealth> ProbeAsync(CancellationToken cancellationToken = default)
    {
        using var activity = Begin(Activities.Probe);
        try
        {
            ThrowIfDone(cancellationToken);
            var health = await Probe.ProbeAsync(cancellationToken).ConfigureAwait(false);
            if (health.Reason is { } reason)
            {
                _keys.Current.ReportUnusable(reason);
                return health;
            }


            // kms:DescribeKey does not show whether data can be encrypted and decrypted.
            var context = _binding.Alone;
            return await _keys.Current.CheckHealthAsync(context.Pairs, context.Section, cancellationToken).ConfigureAwait(false) switch
            {
                ByokKeyUnavailableException denial => KeyProbe.WithDenial(health, denial),
                ByokServiceException failure => KeyProbe.WithHostFailure(health, failure),
                _ => health,
            };
        }
        catch (Exception e) when (activity.Note(e))
        {
            throw;
        }
    }

    public async ValueTask<ByokDataKey> CreateDataKeyAsync(
        IReadOnlyDictionary<string, string>? encryptionContext = null, CancellationToken cancellationToken = default)
    {
        using var activity = Begin(Activities.CreateDataKey);
        try
        {
            ThrowIfDone(cancellationToken);
            return await Issuer.CreateAsync(
                _binding.BindDataKey(encryptionContext, nameof(encryptionContext)), cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (activity.Note(e))
        {
            throw;
        }
    }

    public async ValueTask<ByokDataKey> OpenDataKeyAsync(
        ReadOnlyMemory<byte> encryptedKey,
        IReadOnlyDictionary<string, string>? encryptionContext = null,
        CancellationToken cancellationToken = default)
    {
        using var activity = Begin(Activities.OpenDataKey);
        try
        {
            var expected = Expect(encryptionContext, cancellationToken);

            // Trust boundary: the stored bytes come from the host's database. The pairs in them are claims until the message is
            // authenticated.
            var (header, message) = Issuer.Read(encryptedKey);
            return _binding.AdmitsDataKey(header.EncryptionContext, expected)
                ? await Issuer.OpenAsync(header, message, cancellationToken).ConfigureAwait(false)
                : throw new ByokDecryptionException();
        }
        catch (Exception e) when (activity.Note(e))
        {
            throw;
        }
    }

    public void Dispose()
    {
        _disposed = true;
        _keys.Dispose();
    }

    private ValueTask<T> WithKeyAsync<T>(
        MessageHeader header, EncryptionContext expected, Func<DecryptionKey, T> use, CancellationToken cancellationToken) =>
        // The pairs are only claims here, so this check saves a request. AWS KMS and the header tag then prove them.
        _binding.Admits(header.EncryptionContext, expected)
            ? _keys.DecryptAsync(header, use, cancellationToken)
            : throw new ByokDecryptionException();

    private EncryptionContext Expect(IReadOnlyDictionary<string, string>? encryptionContext, CancellationToken cancellationToken)
    {
        ThrowIfDone(cancellationToken);
        return EncryptionContext.CreateExpected(encryptionContext, nameof(encryptionContext));
    }

    private MessageHeader ReadHeader(ReadOnlyMemory<byte> message) => ReadHeader(new ReadOnlySequence<byte>(message));

    private MessageHeader ReadHeader(ReadOnlySequence<byte> message) => message.Length <= _options.MaxMessageLength
        ? MessageHeader.Read(message, _options)
        : throw new ByokDecryptionException(HeaderErrors.MessageTooLong(_options.MaxMessageLength));

    /// <summary>Starts the activity of a call; null if there is no listener.</summary>
    private Activity? Begin(string name) => Activities.Start(name)?.SetTag(Instruments.RegionAttribute, KeyArn.Region);

    private void ThrowIfDone(CancellationToken cancellationToken)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        cancellationToken.ThrowIfCancellationRequested();
    }
}
