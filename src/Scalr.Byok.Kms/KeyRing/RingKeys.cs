using Scalr.Byok.Kms.DataKeys;
using Scalr.Byok.Kms.Messages;
using Scalr.Byok.Kms.Resilience;

namespace Scalr.Byok.Kms.KeyRing;

/// <summary>A data key that encrypts messages of one encryption context, with the template of their headers.</summary>
internal sealed class EncryptionKey : ICachedKey, IDisposable
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

/// <summary>A data key that decrypts messages.</summary>
internal sealed class DecryptionKey : ICachedKey, IDisposable
{
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

    public void Dispose() => Key.Dispose();
}
