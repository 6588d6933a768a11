using Scalr.Byok.Kms.DataKeys;
using Scalr.Byok.Kms.Messages;
using Scalr.Byok.Kms.Resilience;

namespace Scalr.Byok.Kms.KeyRing;

/// <summary>A data key that encrypts messages of one encryption context, with the template of their headers.</summary>
internal sealed class EncryptionKey : ICachedKey
{
    private readonly Lock _gate = new();
    private Backoff _pause = new(TimeSpan.FromSeconds(15), jitters: true);
    private bool _isRenewing;

    public EncryptionKey(DataKey key, Origin origin, KeyAccess access, MessageTemplate template, Moment sent)
    {
        Key = key;
        Origin = origin;
        Access = access;
        Template = template;
        Sent = sent;
    }

    public DataKey Key { get; }

    public Origin Origin { get; }

    public KeyAccess Access { get; }

    public MessageTemplate Template { get; }

    /// <summary>The moment before its request was sent.</summary>
    public Moment Sent { get; }

    /// <summary>When it was requested. Confirmations do not extend its lifetime.</summary>
    public long Since => Sent.Ticks;

    /// <summary>Claims its replacement in the background: one task at a time, with a pause after a failure.</summary>
    public bool TryBeginRenewal(long now)
    {
        lock (_gate)
        {
            return !_isRenewing && now >= _pause.Until && (_isRenewing = true);
        }
    }

    public void EndRenewal(bool isRenewed, long now)
    {
        lock (_gate)
        {
            _isRenewing = false;
            if (!isRenewed)
            {
                _pause.Fail(now);
            }
        }
    }

    public void Dispose() => Key.Dispose();
}

/// <summary>A data key that decrypts messages. It keeps the cipher of the data key that the application opened with it last.</summary>
/// <remarks>
/// So data keys that are opened and closed with each request share their series. The cipher opens nothing that this key could not open,
/// and is let go with it: at a denial, at its eviction and when the ring is disposed.
/// </remarks>
internal sealed class DecryptionKey : ICachedKey
{
    private readonly Lock _gate = new();

    // All guarded by the lock. The cipher has a lease of this object.
    private ValueCipher? _cipher;
    private byte[] _message = [];
    private bool _wasOpened;
    private bool _isDisposed;

    public DecryptionKey(UnwrappedKey key, KeyAccess access, byte[] id)
    {
        Key = key.Key;
        Origin = key.Origin;
        Sent = key.Sent;
        Access = access;
        Id = id;
    }

    public DataKey Key { get; }

    public Origin Origin { get; }

    public KeyAccess Access { get; }

    /// <summary>The moment before its request was sent.</summary>
    public Moment Sent { get; }

    /// <summary>Its id in the cache: the encryption context and the one encrypted data key that it came from.</summary>
    public byte[] Id { get; }

    /// <summary>The last acceptance of its own ciphertext. Each one extends its lifetime.</summary>
    public long Since => Origin.Accepted;

    /// <summary>The cipher of the data key in a message, with a lease of the caller.</summary>
    /// <param name="message">The message; must not change.</param>
    /// <param name="derive">Derives the cipher from the message; throws if the message is not authentic.</param>
    public ValueCipher LeaseCipher(byte[] message, Func<ValueCipher> derive)
    {
        lock (_gate)
        {
            _wasOpened = true;

            // The whole message, so it was authenticated when the cipher was derived.
            if (_cipher is { } cipher && message.AsSpan().SequenceEqual(_message))
            {
                cipher.Lease();
                return cipher;
            }

            // Under the lock, so concurrent calls derive it once.
            var derived = derive();

            // A disposed key keeps nothing, because nothing would end its lease.
            if (!_isDisposed)
            {
                derived.Lease();
                _cipher?.EndLease();
                (_cipher, _message) = (derived, message);
            }

            return derived;
        }
    }

    /// <summary>Lets the cipher go if no data key was opened since the last call, so that an idle tenant takes less memory.</summary>
    public void EndUnusedCipher()
    {
        lock (_gate)
        {
            if (!_wasOpened)
            {
                EndCipher();
            }

            _wasOpened = false;
        }
    }

    public void Dispose()
    {
        Key.Dispose();
        lock (_gate)
        {
            _isDisposed = true;
            EndCipher();
        }
    }

    // Under the lock, as everything that reads the field.
    private void EndCipher()
    {
        _cipher?.EndLease();
        (_cipher, _message) = (null, []);
    }
}
