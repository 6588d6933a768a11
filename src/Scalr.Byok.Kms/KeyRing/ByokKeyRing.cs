using Scalr.Byok.Kms.DataKeys;
using Scalr.Byok.Kms.Messages;

namespace Scalr.Byok.Kms.KeyRing;

/// <summary>The key ring: asks <see cref="DataKeySource"/> for a data key and has <see cref="Messages"/> do the rest.</summary>
internal sealed class ByokKeyRing : IByokKeyRing, IDisposable
{
    private readonly DataKeySource _dataKeys;
    private readonly int _frameLength;
    private readonly int _maxEncryptedDataKeys;
    private bool _disposed;

    public ByokKeyRing(KmsKeyArn keyArn, DataKeySource dataKeys, ByokOptions options)
    {
        KeyArn = keyArn;
        _dataKeys = dataKeys;
        _frameLength = options.FrameLength;
        _maxEncryptedDataKeys = options.MaxEncryptedDataKeys;
    }

    public KmsKeyArn KeyArn { get; }

    public async ValueTask<byte[]> EncryptAsync(
        ReadOnlyMemory<byte> plaintext, IReadOnlyDictionary<string, string>? encryptionContext = null, CancellationToken cancellationToken = default)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        var context = EncryptionContext.Create(encryptionContext, nameof(encryptionContext));
        cancellationToken.ThrowIfCancellationRequested();

        var (key, encryptedKey) = await _dataKeys.CreateAsync(context.Pairs, cancellationToken).ConfigureAwait(false);
        using (key)
        {
            return MessageWriter.Write(new MessageTemplate(context, [encryptedKey], _frameLength), key, plaintext.Span);
        }
    }

    public async ValueTask<byte[]> DecryptAsync(
        ReadOnlyMemory<byte> message, IReadOnlyDictionary<string, string>? encryptionContext = null, CancellationToken cancellationToken = default)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        var expected = EncryptionContext.Create(encryptionContext, nameof(encryptionContext));
        cancellationToken.ThrowIfCancellationRequested();

        var header = MessageHeader.Read(message, _maxEncryptedDataKeys);
        if (!header.EncryptionContext.Contains(expected))
        {
            throw new ByokDecryptionException();
        }

        using var key = await _dataKeys.OpenAsync(header.EncryptedDataKeys, header.EncryptionContext.Pairs, cancellationToken).ConfigureAwait(false);
        return MessageReader.Read(header, message.Span, key);
    }

    public void Dispose()
    {
        _disposed = true;
        _dataKeys.Dispose();
    }
}
