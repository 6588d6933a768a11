using System.Buffers;

namespace Scalr.Byok.Kms;

/// <summary>Several data keys of one tenant, while values move from an old one to a new one: encrypts under the newest, decrypts under whichever a value names.</summary>
/// <remarks>
/// <para>
/// To change the data key while the host is running: create a new one and store it beside the old one; once every process opens both, the new one first, encrypt
/// again the values for which <see cref="NeedsReencryption"/> is true; then remove the old one. A new KMS key needs none of that:
/// <see cref="IByokKeyRing.RewrapAsync(ReadOnlyMemory{byte}, CancellationToken)"/> the encrypted data key. But a user of the old KMS key
/// who has kept a copy of the old
/// encrypted data key can read on; only a new data key keeps them out.
/// </para>
/// <para>Safe for concurrent use. Calls end as those of <see cref="ByokDataKey"/> do; a value that names none of the keys ends in the same exception as a forged one.</para>
/// </remarks>
public sealed class ByokDataKeys : IDisposable
{
    private readonly ByokDataKey[] _keys;

    /// <summary>Takes the keys together.</summary>
    /// <param name="newestFirst">The keys: the first encrypts, all decrypt. Disposed with this.</param>
    /// <exception cref="ArgumentException">There is no key, or a key is null.</exception>
    public ByokDataKeys(params IEnumerable<ByokDataKey> newestFirst)
    {
        ArgumentNullException.ThrowIfNull(newestFirst);
        _keys = [.. newestFirst];
        if (_keys.Length == 0 || Array.Exists(_keys, static key => key is null))
        {
            throw new ArgumentException("One key or more is needed, and none may be null.", nameof(newestFirst));
        }
    }

    /// <summary>The key that encrypts.</summary>
    public ByokDataKey Newest => _keys[0];

    /// <summary>Whether a value should be decrypted and encrypted again: it is not under <see cref="Newest"/>, as far as it says itself.</summary>
    /// <param name="encrypted">An encrypted value. Not authenticated: what is no value at all needs it, too, and fails when it is decrypted.</param>
    public bool NeedsReencryption(ReadOnlySpan<byte> encrypted) => !Newest.IsNamedBy(encrypted);

    /// <inheritdoc cref="ByokDataKey.Encrypt(ReadOnlySpan{byte}, ReadOnlySpan{byte})"/>
    public byte[] Encrypt(ReadOnlySpan<byte> value, ReadOnlySpan<byte> associatedData = default) => Newest.Encrypt(value, associatedData);

    /// <inheritdoc cref="ByokDataKey.Encrypt(ReadOnlySpan{byte}, IBufferWriter{byte}, ReadOnlySpan{byte})"/>
    public void Encrypt(ReadOnlySpan<byte> value, IBufferWriter<byte> encrypted, ReadOnlySpan<byte> associatedData = default) =>
        Newest.Encrypt(value, encrypted, associatedData);

    /// <inheritdoc cref="ByokDataKey.Encrypt(ReadOnlySpan{char}, ReadOnlySpan{byte})"/>
    public byte[] Encrypt(ReadOnlySpan<char> text, ReadOnlySpan<byte> associatedData = default) => Newest.Encrypt(text, associatedData);

    /// <inheritdoc cref="ByokDataKey.Encrypt(string, ReadOnlySpan{byte})"/>
    public byte[] Encrypt(string text, ReadOnlySpan<byte> associatedData = default) => Newest.Encrypt(text, associatedData);

    /// <inheritdoc cref="ByokDataKey.Decrypt(ReadOnlySpan{byte}, ReadOnlySpan{byte})"/>
    public byte[] Decrypt(ReadOnlySpan<byte> encrypted, ReadOnlySpan<byte> associatedData = default) => Find(encrypted).Decrypt(encrypted, associatedData);

    /// <inheritdoc cref="ByokDataKey.Decrypt(ReadOnlySpan{byte}, IBufferWriter{byte}, ReadOnlySpan{byte})"/>
    public void Decrypt(ReadOnlySpan<byte> encrypted, IBufferWriter<byte> value, ReadOnlySpan<byte> associatedData = default) =>
        Find(encrypted).Decrypt(encrypted, value, associatedData);

    /// <inheritdoc cref="ByokDataKey.DecryptText(ReadOnlySpan{byte}, ReadOnlySpan{byte})"/>
    public string DecryptText(ReadOnlySpan<byte> encrypted, ReadOnlySpan<byte> associatedData = default) => Find(encrypted).DecryptText(encrypted, associatedData);

    /// <summary>Disposes all the keys.</summary>
    public void Dispose() => Array.ForEach(_keys, static key => key.Dispose());

    /// <summary>The key that a value names; any if it names none, which then refuses it.</summary>
    private ByokDataKey Find(ReadOnlySpan<byte> encrypted)
    {
        foreach (var key in _keys)
        {
            if (key.IsNamedBy(encrypted))
            {
                return key;
            }
        }

        return Newest;
    }
}
