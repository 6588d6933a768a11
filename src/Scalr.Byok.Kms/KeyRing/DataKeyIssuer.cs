using System.Security.Cryptography;
using Scalr.Byok.Kms.DataKeys;
using Scalr.Byok.Kms.Diagnostics;
using Scalr.Byok.Kms.Messages;
using Scalr.Byok.Kms.Resilience;

namespace Scalr.Byok.Kms.KeyRing;

/// <summary>
/// Creates and opens the data keys that callers hold. The encrypted form is a message whose plaintext is the 32 key bytes.
/// </summary>
internal sealed class DataKeyIssuer
{
    /// <summary>The longest body of a message of 32 bytes, for any frame length and with a signature.</summary>
    private const int LongestBody = 4096;

    private readonly PlaintextKeys _keys;
    private readonly MessageOptions _options;

    public DataKeyIssuer(PlaintextKeys keys, MessageOptions options)
    {
        _keys = keys;
        _options = options;
    }

    /// <summary>Reads and copies the message of a data key. Not authenticated: that happens when it is opened.</summary>
    /// <exception cref="ByokDecryptionException">The bytes cannot be the message of a data key.</exception>
    public (MessageHeader Header, byte[] Message) Read(ReadOnlyMemory<byte> encryptedKey)
    {
        // The length is checked before anything is copied, so that a forged value from the database costs little memory.
        if (encryptedKey.Length > _options.MaxHeaderLength + (long)LongestBody)
        {
            throw new ByokDecryptionException();
        }

        var message = encryptedKey.ToArray();
        var header = MessageHeader.Read(message, _options);
        return message.Length - header.Length <= LongestBody ? (header, message) : throw new ByokDecryptionException();
    }

    /// <summary>Creates a new data key with its own kms:Encrypt.</summary>
    /// <exception cref="ByokException">AWS denies the use of the customer's key or gives no usable answer.</exception>
    public async ValueTask<ByokDataKey> CreateAsync(EncryptionContext context, CancellationToken cancellationToken)
    {
        using var secret = DataKey.Generate();
        using var made = await _keys.MakeAsync(context, cancellationToken).ConfigureAwait(false);
        var message = Write(made, secret);

        // Reading needs an accepted kms:Decrypt. Confirmed here, so that values can be decrypted immediately.
        await made.Access.TryConfirmReadingAsync(made.Origin, cancellationToken).ConfigureAwait(false);
        return Open(message, Derive(context, secret), made.Access, made.Origin, made.Sent, AwsAction.Encrypt);
    }

    /// <summary>Opens a data key.</summary>
    /// <exception cref="ByokDecryptionException">The message is not authentic, or its plaintext is not a data key.</exception>
    /// <exception cref="ByokException">AWS denies the use of the customer's key or gives no usable answer.</exception>
    public ValueTask<ByokDataKey> OpenAsync(MessageHeader header, byte[] message, CancellationToken cancellationToken)
    {
        // Marked before the key is taken: a denial that arrives in between must close the data key (OpenKey).
        var began = _keys.Clock.Mark();
        return _keys.DecryptAsync(
            header,
            key =>
            {
                var cipher = key.LeaseCipher(message, () => Derive(header, message, key.Key));
                return Open(message, cipher, key.Access, key.Origin, began, AwsAction.Decrypt);
            },
            cancellationToken);
    }

    private byte[] Write(EncryptionKey key, DataKey secret)
    {
        var plaintext = GC.AllocateUninitializedArray<byte>(DataKey.Length, pinned: true);
        try
        {
            secret.CopyTo(plaintext);
            return MessageWriter.Write(key.Template, key.Key, plaintext, _options);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(plaintext);
        }
    }

    private static ValueCipher Derive(MessageHeader header, byte[] message, DataKey key)
    {
        var plaintext = MessageReader.Read(header, new(message), key);
        try
        {
            if (plaintext.Length != DataKey.Length)
            {
                throw new ByokDecryptionException();
            }

            using var secret = DataKey.CopyFrom(plaintext);
            return Derive(header.EncryptionContext, secret);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(plaintext);
        }
    }

    private static ValueCipher Derive(EncryptionContext context, DataKey secret)
    {
        context.TryGetValue(TenantBinding.TenantKeyUtf8, out var tenant);
        return ValueCipher.Derive(secret, tenant);
    }

    private ByokDataKey Open(
        byte[] message, ValueCipher cipher, KeyAccess access, Origin origin, Moment began, string operation) =>
        _keys.OpenKey(cipher, access, origin, began, operation, open => new ByokDataKey(message, cipher, open));
}
