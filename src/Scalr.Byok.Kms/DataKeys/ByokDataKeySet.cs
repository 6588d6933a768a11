using System.Buffers;

namespace Scalr.Byok.Kms;

/// <summary>
/// Several data keys of one tenant, for a change of data key: encrypts with the first, and decrypts with the one that a value names.
/// </summary>
/// <remarks>
/// <para>
/// To change the data key while the host runs, create a new data key and store it beside the old one. Give every process a set of both,
/// with the old data key first, so that each can read what the others will write. Then put the new data key first. When every process does
/// that, encrypt each value again for which <see cref="NeedsReencryption"/> is true. Finally, remove the old data key.
/// </para>
/// <para>
/// A new KMS key needs no new data key: encrypt the encrypted data key again
/// (<see cref="IByokKeyRing.ReencryptAsync(ReadOnlyMemory{byte}, ByokReencryptWhen, CancellationToken)"/>). However, a user of the
/// old KMS key who kept a copy of the old encrypted data key can still decrypt the values. Only a new data key prevents that.
/// </para>
/// <para>
/// Safe for concurrent use. Calls throw what those of <see cref="ByokDataKey"/> throw. A value that names none of the data keys throws
/// the same exception as a forged value.
/// </para>
/// </remarks>
public sealed class ByokDataKeySet : IDisposable
{
    private readonly ByokDataKey[] _keys;

    /// <summary>Combines data keys, and takes ownership of them.</summary>
    /// <param name="primaryFirst">The data keys: the first one encrypts, all decrypt. Disposed with this object.</param>
    /// <exception cref="ArgumentException">There is no data key, or one is null.</exception>
    public ByokDataKeySet(params IEnumerable<ByokDataKey> primaryFirst)
    {
        ArgumentNullException.ThrowIfNull(primaryFirst);
        _keys = [.. primaryFirst];
        if (_keys.Length == 0 || Array.Exists(_keys, static key => key is null))
        {
            throw new ArgumentException("One key or more is needed, and none may be null.", nameof(primaryFirst));
        }
    }

    /// <summary>The data key that encrypts.</summary>
    public ByokDataKey Primary => _keys[0];

    /// <summary>Whether a value should be decrypted and encrypted again, because it does not name <see cref="Primary"/>.</summary>
    /// <param name="encrypted">An encrypted value. It is not authenticated: the result is also true for bytes that are no value.</param>
    public bool NeedsReencryption(ReadOnlySpan<byte> encrypted) => !Primary.IsNamedBy(encrypted);

    /// <inheritdoc cref="ByokDataKey.Encrypt(ReadOnlySpan{byte}, ByokAssociatedData)"/>
    public byte[] Encrypt(ReadOnlySpan<byte> value, ByokAssociatedData associatedData) => Primary.Encrypt(value, associatedData);

    /// <inheritdoc cref="ByokDataKey.Encrypt(ReadOnlySpan{byte}, IBufferWriter{byte}, ByokAssociatedData)"/>
    public void Encrypt(ReadOnlySpan<byte> value, IBufferWriter<byte> encrypted, ByokAssociatedData associatedData) =>
        Primary.Encrypt(value, encrypted, associatedData);

    /// <inheritdoc cref="ByokDataKey.Encrypt(ReadOnlySpan{byte}, Span{byte}, ByokAssociatedData)"/>
    public int Encrypt(ReadOnlySpan<byte> value, Span<byte> encrypted, ByokAssociatedData associatedData) =>
        Primary.Encrypt(value, encrypted, associatedData);

    /// <inheritdoc cref="ByokDataKey.EncryptText(ReadOnlySpan{char}, ByokAssociatedData)"/>
    public byte[] EncryptText(ReadOnlySpan<char> text, ByokAssociatedData associatedData) => Primary.EncryptText(text, associatedData);

    /// <inheritdoc cref="ByokDataKey.EncryptText(string, ByokAssociatedData)"/>
    public byte[] EncryptText(string text, ByokAssociatedData associatedData) => Primary.EncryptText(text, associatedData);

    /// <inheritdoc cref="ByokDataKey.Decrypt(ReadOnlySpan{byte}, ByokAssociatedData)"/>
    public byte[] Decrypt(ReadOnlySpan<byte> encrypted, ByokAssociatedData associatedData) =>
        Find(encrypted).Decrypt(encrypted, associatedData);

    /// <inheritdoc cref="ByokDataKey.Decrypt(ReadOnlySpan{byte}, IBufferWriter{byte}, ByokAssociatedData)"/>
    public void Decrypt(ReadOnlySpan<byte> encrypted, IBufferWriter<byte> value, ByokAssociatedData associatedData) =>
        Find(encrypted).Decrypt(encrypted, value, associatedData);

    /// <inheritdoc cref="ByokDataKey.Decrypt(ReadOnlySpan{byte}, Span{byte}, ByokAssociatedData)"/>
    public int Decrypt(ReadOnlySpan<byte> encrypted, Span<byte> value, ByokAssociatedData associatedData) =>
        Find(encrypted).Decrypt(encrypted, value, associatedData);

    /// <inheritdoc cref="ByokDataKey.DecryptText(ReadOnlySpan{byte}, ByokAssociatedData)"/>
    public string DecryptText(ReadOnlySpan<byte> encrypted, ByokAssociatedData associatedData) =>
        Find(encrypted).DecryptText(encrypted, associatedData);

    /// <summary>Disposes all the data keys.</summary>
    public void Dispose() => Array.ForEach(_keys, static key => key.Dispose());

    /// <summary>
    /// The data key that a value names. A value that names none gets any: its decryption fails like that of a forged value.
    /// </summary>
    private ByokDataKey Find(ReadOnlySpan<byte> encrypted)
    {
        foreach (var key in _keys)
        {
            if (key.IsNamedBy(encrypted))
            {
                return key;
            }
        }

        return Primary;
    }
}
