using System.Buffers;
using System.Security.Cryptography;
using Microsoft.Extensions.Logging;
using Scalr.Byok.Kms.DataKeys;
using Scalr.Byok.Kms.Diagnostics;
using Scalr.Byok.Kms.Kms;
using Scalr.Byok.Kms.Messages;
using Scalr.Byok.Kms.Resilience;

namespace Scalr.Byok.Kms.KeyRing;

/// <summary>The key ring: takes a data key from <see cref="PlaintextKeys"/> and lets <see cref="Messages"/> do the rest.</summary>
internal sealed class ByokKeyRing : IByokKeyRing, IDeniableKeyRing, IDisposable
{
    private readonly PlaintextKeys _keys;
    private readonly KeyProbe _probe;
    private readonly MessageOptions _options;
    private readonly TenantBinding _binding;
    private readonly DataKeyIssuer _issuer;
    private readonly AgeClock _clock;
    private bool _disposed;

    /// <param name="keys">The customer's keys. Owned from now on.</param>
    /// <param name="options">The operator's options.</param>
    /// <param name="clock">The clock.</param>
    /// <param name="logger">The log.</param>
    /// <param name="tenant">The tenant that every message is bound to; null if to none.</param>
    /// <param name="names">The other names that mean the tenant; null if there are none.</param>
    public ByokKeyRing(CustomerKeys keys, ByokOptions options, AgeClock clock, ILogger logger, string? tenant = null, TenantNames? names = null)
    {
        _keys = new PlaintextKeys(keys, options, clock, logger);
        _probe = new KeyProbe(keys.Current, keys.Current.Regions[0], [.. keys.Current.Regions.Skip(1)], clock.Time);
        _options = MessageOptions.From(options);
        _binding = new TenantBinding(tenant, names);
        _issuer = new DataKeyIssuer(_keys, _options);
        _clock = clock;
        KeyArn = keys.Current.Arn;
    }

    public KmsKeyArn KeyArn { get; }

    public bool IsDisposed => _disposed;

    public bool IsDenied => _keys.Current.StandingDenial is not null;

    /// <summary>The plaintext data keys that it holds.</summary>
    public PlaintextKeys Keys => _keys;

    public async ValueTask<byte[]> EncryptAsync(
        ReadOnlyMemory<byte> plaintext, IReadOnlyDictionary<string, string>? encryptionContext = null, CancellationToken cancellationToken = default)
    {
        ThrowIfDone(cancellationToken);
        return await _keys.EncryptAsync(
            _binding.Bind(encryptionContext, nameof(encryptionContext)),
            plaintext.Length,
            key => MessageWriter.Write(key.Template, key.Key, plaintext, _options),
            cancellationToken).ConfigureAwait(false);
    }

    public async ValueTask EncryptAsync(
        ReadOnlyMemory<byte> plaintext,
        IBufferWriter<byte> message,
        IReadOnlyDictionary<string, string>? encryptionContext = null,
        CancellationToken cancellationToken = default)
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

    public async Task EncryptAsync(
        Stream plaintext, Stream message, IReadOnlyDictionary<string, string>? encryptionContext = null, CancellationToken cancellationToken = default)
    {
        StreamChecks.ThrowUnlessUsable(plaintext, nameof(plaintext), message, nameof(message));
        ThrowIfDone(cancellationToken);
        var context = _binding.Bind(encryptionContext, nameof(encryptionContext));
        var began = _clock.Mark();
        var (writer, use) = await _keys.EncryptAsync(
            context,
            bytes: 0,
            key =>
            {
                var use = _keys.BeginStream(key.Access, KeyUse.Write, key.Origin, began);
                try
                {
                    return (MessageStreamWriter.Begin(key.Template, key.Key, RandomNumberGenerator.GetBytes(MessageFormat.MessageIdLength), _options), use);
                }
                catch
                {
                    use.Dispose();
                    throw;
                }
            },
            cancellationToken).ConfigureAwait(false);
        using (use)
        using (writer)
        {
            await writer.RunAsync(plaintext, message, use, cancellationToken).ConfigureAwait(false);
        }

        _keys.Count(context, writer.Length);
    }

    public async ValueTask<byte[]> DecryptAsync(
        ReadOnlyMemory<byte> message, IReadOnlyDictionary<string, string>? encryptionContext = null, CancellationToken cancellationToken = default)
    {
        var expected = Expect(encryptionContext, cancellationToken);
        var header = ReadHeader(message);
        return await WithKeyAsync(
            header, expected, key => MessageReader.Read(header, message, key.Key, _options.MaxDegreeOfParallelism), cancellationToken).ConfigureAwait(false);
    }

    public async ValueTask DecryptAsync(
        ReadOnlyMemory<byte> message,
        IBufferWriter<byte> plaintext,
        IReadOnlyDictionary<string, string>? encryptionContext = null,
        CancellationToken cancellationToken = default)
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

    public async Task DecryptAsync(
        Stream message, Stream plaintext, IReadOnlyDictionary<string, string>? encryptionContext = null, CancellationToken cancellationToken = default)
    {
        StreamChecks.ThrowUnlessUsable(message, nameof(message), plaintext, nameof(plaintext));
        var expected = Expect(encryptionContext, cancellationToken);
        var input = new MessageInput(message, _options);
        var header = await input.ReadHeaderAsync(cancellationToken).ConfigureAwait(false);
        var began = _clock.Mark();
        var (reader, use) = await WithKeyAsync(
            header,
            expected,
            key =>
            {
                var use = _keys.BeginStream(key.Access, KeyUse.Read, key.Origin, began);
                try
                {
                    return (MessageStreamReader.Begin(input, header, key.Key, _options), use);
                }
                catch
                {
                    use.Dispose();
                    throw;
                }
            },
            cancellationToken).ConfigureAwait(false);
        using (use)
        using (reader)
        {
            await reader.RunAsync(plaintext, use, cancellationToken).ConfigureAwait(false);
        }
    }

    public async ValueTask<byte[]> RewrapAsync(ReadOnlyMemory<byte> message, CancellationToken cancellationToken = default)
    {
        ThrowIfDone(cancellationToken);
        var header = ReadHeader(message);
        var isCurrent = IsCurrent(header);
        MessageRewrapper.EnsureWhole(header, message.Span); // as the stream does, and before AWS is called for it
        if (isCurrent)
        {
            return message.ToArray();
        }

        var (rewrapper, encryptedKey) = await WrapAnewAsync(header, cancellationToken).ConfigureAwait(false);
        using (rewrapper)
        {
            return rewrapper.Rewrap(message.Span, encryptedKey, _options.MaxMessageLength);
        }
    }

    public async Task RewrapAsync(Stream message, Stream rewrapped, CancellationToken cancellationToken = default)
    {
        StreamChecks.ThrowUnlessUsable(message, nameof(message), rewrapped, nameof(rewrapped));
        ThrowIfDone(cancellationToken);
        var input = new MessageInput(message, _options);
        var header = await input.ReadHeaderAsync(cancellationToken).ConfigureAwait(false);
        var newHeader = header.Bytes;
        if (!IsCurrent(header))
        {
            var (rewrapper, encryptedKey) = await WrapAnewAsync(header, cancellationToken).ConfigureAwait(false);
            using (rewrapper)
            {
                newHeader = rewrapper.WriteHeader(encryptedKey);
                input.Lengthen(newHeader.Length - header.Length);
            }
        }

        await rewrapped.WriteAsync(newHeader, cancellationToken).ConfigureAwait(false);
        await MessageRewrapper.CopyBodyAsync(input, header.Body, rewrapped, cancellationToken).ConfigureAwait(false);
    }

    public async Task<KeyHealth> ProbeAsync(CancellationToken cancellationToken = default)
    {
        ThrowIfDone(cancellationToken);
        var health = await _probe.ProbeAsync(cancellationToken).ConfigureAwait(false);
        if (health.Reason is { } reason)
        {
            _keys.Current.ReportUnusable(reason);
            return health;
        }

        // kms:DescribeKey does not tell whether data can be encrypted and decrypted.
        var context = _binding.Alone;
        return await _keys.Current.CheckHealthAsync(context.Pairs, context.Section, cancellationToken).ConfigureAwait(false) is ByokKeyUnavailableException denial
            ? KeyProbe.WithDenial(health, denial)
            : health;
    }

    public async ValueTask<ByokDataKey> CreateDataKeyAsync(
        IReadOnlyDictionary<string, string>? encryptionContext = null, CancellationToken cancellationToken = default)
    {
        ThrowIfDone(cancellationToken);
        return await _issuer.CreateAsync(_binding.BindDataKey(encryptionContext, nameof(encryptionContext)), cancellationToken).ConfigureAwait(false);
    }

    public async ValueTask<ByokDataKey> OpenDataKeyAsync(
        ReadOnlyMemory<byte> encryptedKey, IReadOnlyDictionary<string, string>? encryptionContext = null, CancellationToken cancellationToken = default)
    {
        var expected = Expect(encryptionContext, cancellationToken);
        var (header, message) = _issuer.Read(encryptedKey);
        return _binding.AdmitsDataKey(header.EncryptionContext, expected)
            ? await _issuer.OpenAsync(header, message, cancellationToken).ConfigureAwait(false)
            : throw new ByokDecryptionException();
    }

    public void Dispose()
    {
        _disposed = true;
        _keys.Dispose();
    }

    private ValueTask<T> WithKeyAsync<T>(MessageHeader header, EncryptionContext expected, Func<DecryptionKey, T> use, CancellationToken cancellationToken) =>
        _binding.Admits(header.EncryptionContext, expected) ? _keys.DecryptAsync(header, use, cancellationToken) : throw new ByokDecryptionException();

    private EncryptionContext Expect(IReadOnlyDictionary<string, string>? encryptionContext, CancellationToken cancellationToken)
    {
        ThrowIfDone(cancellationToken);
        return EncryptionContext.CreateExpected(encryptionContext, nameof(encryptionContext));
    }

    private MessageHeader ReadHeader(ReadOnlyMemory<byte> message) => message.Length <= _options.MaxMessageLength
        ? MessageHeader.Read(message, _options)
        : throw new ByokDecryptionException(HeaderComplaint.MessageTooLong(_options.MaxMessageLength));

    private bool IsCurrent(MessageHeader header)
    {
        if (!_binding.Admits(header.EncryptionContext))
        {
            throw new ByokDecryptionException();
        }

        return header.Suite.Signs
            ? throw new NotSupportedException(
                $"The message is signed (algorithm suite {header.Suite}), and its signature covers the encrypted data keys: they cannot be replaced. "
                + "Decrypt it and encrypt the plaintext again; the new message is under the current key.")
            : _keys.AreCurrent(header.EncryptedDataKeys);
    }

    /// <summary>Unwraps a message's data key and wraps it under the current key, within one time limit.</summary>
    private Task<(MessageRewrapper Rewrapper, EncryptedDataKey Key)> WrapAnewAsync(MessageHeader header, CancellationToken cancellationToken) =>
        _keys.Current.Key.OperationAsync(
            async token =>
            {
                var context = header.EncryptionContext;
                using var key = await _keys.FetchAsync(header, token).ConfigureAwait(false);
                var rewrapper = MessageRewrapper.Begin(header, key.Key); // before anything is wrapped on the word of a header
                try
                {
                    return (rewrapper, (await _keys.Current.EncryptAsync(key.Key, context.Pairs, context.Section, token).ConfigureAwait(false)).Encrypted);
                }
                catch
                {
                    rewrapper.Dispose();
                    throw;
                }
            },
            AwsAction.Decrypt,
            cancellationToken);

    private void ThrowIfDone(CancellationToken cancellationToken)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        cancellationToken.ThrowIfCancellationRequested();
    }
}
