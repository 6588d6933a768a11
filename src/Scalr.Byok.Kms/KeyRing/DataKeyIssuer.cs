using Scalr.Byok.Kms.DataKeys;
using Scalr.Byok.Kms.Messages;

namespace Scalr.Byok.Kms.KeyRing;

/// <summary>Makes and opens the data keys that callers hold. The 32 bytes of such a key are the plaintext of a message.</summary>
internal sealed class DataKeyIssuer
{
    /// <summary>No message of 32 bytes has a longer body, whatever its frames, with a signature behind them.</summary>
    private const int LongestBody = 4096;

    private readonly RingDataKeys _dataKeys;
    private readonly MessageOptions _options;

    public DataKeyIssuer(RingDataKeys dataKeys, MessageOptions options)
    {
        _dataKeys = dataKeys;
        _options = options;
    }

    /// <summary>A message that could be that of a data key, copied: its owner may change it. Whether it is one shows when it is opened.</summary>
    /// <exception cref="ByokDecryptionException">It is none.</exception>
    public (MessageHeader Header, byte[] Message) Read(ReadOnlyMemory<byte> encryptedKey)
    {
        if (encryptedKey.Length > _options.MaxHeaderLength + (long)LongestBody)
        {
            throw new ByokDecryptionException();
        }

        var message = encryptedKey.ToArray();
        var header = MessageHeader.Read(message, _options);
        return message.Length - header.Length <= LongestBody ? (header, message) : throw new ByokDecryptionException();
    }

    /// <summary>Makes a new data key, always under a kms:Encrypt of its own.</summary>
    /// <exception cref="ByokException">The customer's key is not usable, or AWS could not be reached.</exception>
    public async ValueTask<ByokDataKey> CreateAsync(EncryptionContext context, CancellationToken cancellationToken)
    {
        using var secret = DataKey.Generate();
        while (true)
        {
            var revocations = _dataKeys.Open.Revocations;
            using var lease = new KeyLease(await _dataKeys.MakeAsync(context, cancellationToken).ConfigureAwait(false), isKept: false);
            var message = MessageWriter.Write((MessageTemplate)lease.Companion!, lease.Key, secret.Segment, _options);
            if (TryIssue(message, context, secret, lease.Origin, revocations) is { } key)
            {
                return key;
            }
        }
    }

    /// <summary>Opens a data key.</summary>
    /// <exception cref="ByokDecryptionException">The message is not authentic, or does not hold a data key.</exception>
    /// <exception cref="ByokException">The customer's key is not usable, or AWS could not be reached.</exception>
    public async ValueTask<ByokDataKey> OpenAsync(MessageHeader header, byte[] message, CancellationToken cancellationToken)
    {
        while (true)
        {
            var revocations = _dataKeys.Open.Revocations;
            using var lease = await _dataKeys.OpenAsync(header, cancellationToken).ConfigureAwait(false);
            try
            {
                if (!DataKey.TryTake(MessageReader.Read(header, message, lease.Key), out var secret))
                {
                    throw new ByokDecryptionException();
                }

                using (secret)
                {
                    if (TryIssue(message, header.EncryptionContext, secret, lease.Origin, revocations) is { } key)
                    {
                        _dataKeys.ConfirmAhead(header, lease.Origin);
                        return key;
                    }
                }
            }
            catch (ObjectDisposedException) when (lease.WasErased)
            {
                // The cache erased it at this moment: replaced by another, or revoked, which the next look will tell.
            }
        }
    }

    /// <summary>Null if AWS has refused the customer's key since <paramref name="revocations"/> were counted.</summary>
    private ByokDataKey? TryIssue(byte[] message, EncryptionContext context, DataKey secret, KeyOrigin origin, int revocations)
    {
        context.TryGetValue(TenantBinding.TenantKey, out var tenant);
        var cipher = ValueCipher.Derive(secret, tenant);
        var tenure = new KeyTenure(cipher, origin, _dataKeys.Terms, _dataKeys.Open);
        var key = new ByokDataKey(message, cipher, tenure);
        var isIssued = false;
        try
        {
            isIssued = _dataKeys.Open.TryAdd(tenure, revocations);
        }
        finally
        {
            if (!isIssued)
            {
                key.Dispose();
            }
        }

        _dataKeys.Terms.Touch(); // so that it is looked after even if it is never used
        return isIssued ? key : null;
    }
}
