using System.Buffers;
using System.Security.Cryptography;
using Microsoft.Extensions.Logging;
using Scalr.Byok.Kms.DataKeys;
using Scalr.Byok.Kms.Kms;
using Scalr.Byok.Kms.Messages;

namespace Scalr.Byok.Kms.KeyRing;

/// <summary>The key ring: asks <see cref="DataKeySource"/> for a data key and has <see cref="Messages"/> do the rest.</summary>
internal sealed class ByokKeyRing : IByokKeyRing, IDisposable
{
    private readonly RingKeys _keys;
    private readonly DataKeySource _source;
    private readonly RingDataKeys _dataKeys;
    private readonly KeyProbe _probe;
    private readonly MessageOptions _options;
    private readonly TenantBinding _binding;
    private readonly DataKeyIssuer _issuer;
    private bool _disposed;

    /// <param name="keys">Owned from now on.</param>
    /// <param name="options">The operator's options.</param>
    /// <param name="time">The clock.</param>
    /// <param name="logger">Told of failovers.</param>
    /// <param name="tenant">The tenant that every message is bound to; null if to none.</param>
    /// <param name="names">The other names that mean the tenant; null if there are none.</param>
    public ByokKeyRing(RingKeys keys, ByokOptions options, TimeProvider time, ILogger logger, string? tenant = null, TenantNames? names = null)
    {
        _keys = keys;
        _source = new DataKeySource(keys, options.FailoverOnRevokedReplica, logger);
        _probe = new KeyProbe(keys.Current, keys.Replicas, time);
        _dataKeys = new RingDataKeys(_source, _probe, options, time, logger);
        _options = MessageOptions.From(options);
        _binding = new TenantBinding(tenant, names);
        _issuer = new DataKeyIssuer(_dataKeys, _options);
    }

    public KmsKeyArn KeyArn => _keys.Current.Arn;

    public ValueTask<byte[]> EncryptAsync(
        ReadOnlyMemory<byte> plaintext, IReadOnlyDictionary<string, string>? encryptionContext = null, CancellationToken cancellationToken = default) =>
        WithNewKeyAsync(encryptionContext, plaintext.Length, (key, template) => MessageWriter.Write(template, key, plaintext, _options), cancellationToken);

    public async ValueTask EncryptAsync(
        ReadOnlyMemory<byte> plaintext,
        IBufferWriter<byte> message,
        IReadOnlyDictionary<string, string>? encryptionContext = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(message);
        await WithNewKeyAsync(
            encryptionContext,
            plaintext.Length,
            (key, template) =>
            {
                MessageWriter.WriteTo(message, template, key, plaintext, _options);
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
        using var writer = await _dataKeys.UseNewAsync(
            context,
            bytes: 0,
            (key, template) => MessageStreamWriter.Begin(template, key, RandomNumberGenerator.GetBytes(MessageFormat.MessageIdLength), _options),
            cancellationToken).ConfigureAwait(false);
        await writer.RunAsync(plaintext, message, cancellationToken).ConfigureAwait(false);
        _dataKeys.Count(context, writer.Length);
    }

    public ValueTask<byte[]> DecryptAsync(
        ReadOnlyMemory<byte> message, IReadOnlyDictionary<string, string>? encryptionContext = null, CancellationToken cancellationToken = default)
    {
        var expected = Expect(encryptionContext, cancellationToken);
        var header = ReadHeader(message);
        return WithKeyAsync(header, expected, key => MessageReader.Read(header, message, key, _options.MaxDegreeOfParallelism), cancellationToken);
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
                MessageReader.ReadTo(plaintext, header, message, key, _options.MaxDegreeOfParallelism);
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
        using var reader = await WithKeyAsync(header, expected, key => MessageStreamReader.Begin(input, header, key, _options), cancellationToken).ConfigureAwait(false);
        await reader.RunAsync(plaintext, cancellationToken).ConfigureAwait(false);
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
            _source.Refuse(KeyArn, reason);
        }

        return health;
    }

    public ValueTask<ByokDataKey> CreateDataKeyAsync(IReadOnlyDictionary<string, string>? encryptionContext = null, CancellationToken cancellationToken = default)
    {
        ThrowIfDone(cancellationToken);
        return _issuer.CreateAsync(_binding.BindDataKey(encryptionContext, nameof(encryptionContext)), cancellationToken);
    }

    public ValueTask<ByokDataKey> OpenDataKeyAsync(
        ReadOnlyMemory<byte> encryptedKey, IReadOnlyDictionary<string, string>? encryptionContext = null, CancellationToken cancellationToken = default)
    {
        var expected = Expect(encryptionContext, cancellationToken);
        var (header, message) = _issuer.Read(encryptedKey);
        return _binding.AdmitsDataKey(header.EncryptionContext, expected) ? _issuer.OpenAsync(header, message, cancellationToken) : throw new ByokDecryptionException();
    }

    public void Dispose()
    {
        _disposed = true;
        _dataKeys.Dispose();
        _keys.Dispose();
    }

    private ValueTask<T> WithNewKeyAsync<T>(
        IReadOnlyDictionary<string, string>? encryptionContext, long bytes, Func<DataKey, MessageTemplate, T> use, CancellationToken cancellationToken)
    {
        ThrowIfDone(cancellationToken);
        return _dataKeys.UseNewAsync(_binding.Bind(encryptionContext, nameof(encryptionContext)), bytes, use, cancellationToken);
    }

    private ValueTask<T> WithKeyAsync<T>(MessageHeader header, EncryptionContext expected, Func<DataKey, T> use, CancellationToken cancellationToken) =>
        _binding.Admits(header.EncryptionContext, expected) ? _dataKeys.UseAsync(header, use, cancellationToken) : throw new ByokDecryptionException();

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
            : _source.AreCurrent(header.EncryptedDataKeys);
    }

    private async Task<(MessageRewrapper Rewrapper, EncryptedDataKey Key)> WrapAnewAsync(MessageHeader header, CancellationToken cancellationToken)
    {
        var context = header.EncryptionContext.Pairs;
        using var key = (await _source.OpenAsync(header.EncryptedDataKeys, context, cancellationToken).ConfigureAwait(false)).Key;
        var rewrapper = MessageRewrapper.Begin(header, key); // before anything is wrapped on the word of a header
        try
        {
            return (rewrapper, await _source.WrapAsync(key, context, cancellationToken).ConfigureAwait(false));
        }
        catch
        {
            rewrapper.Dispose();
            throw;
        }
    }

    private void ThrowIfDone(CancellationToken cancellationToken)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        cancellationToken.ThrowIfCancellationRequested();
    }
}
