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
    private readonly DataKeySource _dataKeys;
    private readonly KeyProbe _probe;
    private readonly MessageOptions _options;
    private bool _disposed;

    /// <param name="keys">Owned from now on.</param>
    /// <param name="options">The operator's options.</param>
    /// <param name="time">The clock.</param>
    /// <param name="logger">Told of failovers.</param>
    public ByokKeyRing(RingKeys keys, ByokOptions options, TimeProvider time, ILogger logger)
    {
        _keys = keys;
        _dataKeys = new DataKeySource(keys, options.FailoverOnRevokedReplica, logger);
        _probe = new KeyProbe(keys.Current, keys.Replicas, time);
        _options = MessageOptions.From(options);
    }

    public KmsKeyArn KeyArn => _keys.Current.Arn;

    public async ValueTask<byte[]> EncryptAsync(
        ReadOnlyMemory<byte> plaintext, IReadOnlyDictionary<string, string>? encryptionContext = null, CancellationToken cancellationToken = default)
    {
        var (key, template) = await NewKeyAsync(encryptionContext, cancellationToken).ConfigureAwait(false);
        using (key)
        {
            return MessageWriter.Write(template, key, plaintext, _options);
        }
    }

    public async ValueTask EncryptAsync(
        ReadOnlyMemory<byte> plaintext,
        IBufferWriter<byte> message,
        IReadOnlyDictionary<string, string>? encryptionContext = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(message);
        var (key, template) = await NewKeyAsync(encryptionContext, cancellationToken).ConfigureAwait(false);
        using (key)
        {
            MessageWriter.WriteTo(message, template, key, plaintext, _options);
        }
    }

    public async Task EncryptAsync(
        Stream plaintext, Stream message, IReadOnlyDictionary<string, string>? encryptionContext = null, CancellationToken cancellationToken = default)
    {
        ThrowUnlessUsable(plaintext, nameof(plaintext), message, nameof(message));
        var (key, template) = await NewKeyAsync(encryptionContext, cancellationToken).ConfigureAwait(false);
        MessageStreamWriter writer;
        using (key)
        {
            writer = MessageStreamWriter.Begin(template, key, RandomNumberGenerator.GetBytes(MessageFormat.MessageIdLength), _options);
        }

        using (writer)
        {
            await writer.RunAsync(plaintext, message, cancellationToken).ConfigureAwait(false);
        }
    }

    public async ValueTask<byte[]> DecryptAsync(
        ReadOnlyMemory<byte> message, IReadOnlyDictionary<string, string>? encryptionContext = null, CancellationToken cancellationToken = default)
    {
        var expected = Expect(encryptionContext, cancellationToken);
        var header = ReadHeader(message);
        using var key = await OpenKeyAsync(header, expected, cancellationToken).ConfigureAwait(false);
        return MessageReader.Read(header, message, key, _options.MaxDegreeOfParallelism);
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
        using var key = await OpenKeyAsync(header, expected, cancellationToken).ConfigureAwait(false);
        MessageReader.ReadTo(plaintext, header, message, key, _options.MaxDegreeOfParallelism);
    }

    public async Task DecryptAsync(
        Stream message, Stream plaintext, IReadOnlyDictionary<string, string>? encryptionContext = null, CancellationToken cancellationToken = default)
    {
        ThrowUnlessUsable(message, nameof(message), plaintext, nameof(plaintext));
        var expected = Expect(encryptionContext, cancellationToken);
        var input = new MessageInput(message, _options);
        var header = await input.ReadHeaderAsync(cancellationToken).ConfigureAwait(false);
        MessageStreamReader reader;
        using (var key = await OpenKeyAsync(header, expected, cancellationToken).ConfigureAwait(false))
        {
            reader = MessageStreamReader.Begin(input, header, key, _options);
        }

        using (reader)
        {
            await reader.RunAsync(plaintext, cancellationToken).ConfigureAwait(false);
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
        ThrowUnlessUsable(message, nameof(message), rewrapped, nameof(rewrapped));
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

    public Task<KeyHealth> ProbeAsync(CancellationToken cancellationToken = default)
    {
        ThrowIfDone(cancellationToken);
        return _probe.ProbeAsync(cancellationToken);
    }

    public void Dispose()
    {
        _disposed = true;
        _dataKeys.Dispose();
        _keys.Dispose();
    }

    private async ValueTask<(DataKey Key, MessageTemplate Template)> NewKeyAsync(
        IReadOnlyDictionary<string, string>? encryptionContext, CancellationToken cancellationToken)
    {
        ThrowIfDone(cancellationToken);
        var context = EncryptionContext.Create(encryptionContext, nameof(encryptionContext));
        var (key, encryptedKey) = await _dataKeys.CreateAsync(context.Pairs, cancellationToken).ConfigureAwait(false);
        var template = new MessageTemplate(context, [encryptedKey], _options.FrameLength);
        if (template.HeaderLength <= _options.MaxHeaderLength)
        {
            return (key, template);
        }

        key.Dispose();
        throw new ArgumentException( // this ring could not read it back
            $"The message's header would take {template.HeaderLength} bytes, more than the {_options.MaxHeaderLength} that MaxHeaderLength allows.",
            nameof(encryptionContext));
    }

    private EncryptionContext Expect(IReadOnlyDictionary<string, string>? encryptionContext, CancellationToken cancellationToken)
    {
        ThrowIfDone(cancellationToken);
        return EncryptionContext.CreateExpected(encryptionContext, nameof(encryptionContext));
    }

    private MessageHeader ReadHeader(ReadOnlyMemory<byte> message) => message.Length <= _options.MaxMessageLength
        ? MessageHeader.Read(message, _options)
        : throw new ByokDecryptionException(HeaderComplaint.MessageTooLong(_options.MaxMessageLength));

    private Task<DataKey> OpenKeyAsync(MessageHeader header, EncryptionContext expected, CancellationToken cancellationToken) =>
        header.EncryptionContext.Contains(expected)
            ? _dataKeys.OpenAsync(header.EncryptedDataKeys, header.EncryptionContext.Pairs, cancellationToken)
            : throw new ByokDecryptionException();

    private bool IsCurrent(MessageHeader header) => header.Suite.Signs
        ? throw new NotSupportedException(
            $"The message is signed (algorithm suite {header.Suite}), and its signature covers the encrypted data keys: they cannot be replaced. "
            + "Decrypt it and encrypt the plaintext again; the new message is under the current key.")
        : _dataKeys.AreCurrent(header.EncryptedDataKeys);

    private async Task<(MessageRewrapper Rewrapper, EncryptedDataKey Key)> WrapAnewAsync(MessageHeader header, CancellationToken cancellationToken)
    {
        var context = header.EncryptionContext.Pairs;
        using var key = await _dataKeys.OpenAsync(header.EncryptedDataKeys, context, cancellationToken).ConfigureAwait(false);
        var rewrapper = MessageRewrapper.Begin(header, key); // before anything is wrapped on the word of a header
        try
        {
            return (rewrapper, await _dataKeys.WrapAsync(key, context, cancellationToken).ConfigureAwait(false));
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

    private static void ThrowUnlessUsable(Stream source, string sourceName, Stream destination, string destinationName)
    {
        ArgumentNullException.ThrowIfNull(source, sourceName);
        ArgumentNullException.ThrowIfNull(destination, destinationName);
        if (!source.CanRead)
        {
            throw new ArgumentException("The stream cannot be read.", sourceName);
        }

        if (!destination.CanWrite)
        {
            throw new ArgumentException("The stream cannot be written.", destinationName);
        }
    }
}
