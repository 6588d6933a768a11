using System.Buffers.Binary;
using System.Security.Cryptography;

namespace Scalr.Byok.Kms.DataKeys;

/// <summary>
/// What one thread at a time needs for XAES-256-GCM under one key: the derivation, the series it writes, and the series it read last.
/// Not safe for concurrent use.
/// </summary>
internal sealed class XaesCiphers : IDisposable
{
    /// <summary>The most values under one first half of a nonce.</summary>
    public const int MaxValues = 65_536;

    /// <summary>The number of series that are kept for decryption.</summary>
    public const int MaxRead = 4;

    /// <summary>The longest time in which values are written under one first half of a nonce.</summary>
    public static readonly TimeSpan MaxTime = TimeSpan.FromSeconds(10);

    private readonly DataKey _key;
    private readonly XaesSeries?[] _read = new XaesSeries?[MaxRead];

    /// <summary>The series that were read once, by the start of their nonces. Only a hint: it decides about speed.</summary>
    private readonly ulong[] _seen = new ulong[MaxRead];

    // Each is created by the first value that needs it.
    private XaesSubkeys? _subkeys;
    private XaesSeries? _written;
    private long _began;
    private int _values;
    private int _oldest;
    private int _oldestSeen;

    /// <param name="key">The key. The caller keeps ownership.</param>
    public XaesCiphers(DataKey key) => _key = key;

    /// <summary>Whether all derived keys are erased.</summary>
    public bool IsErased { get; private set; }

    /// <summary>The series that exist, to be looked at by tests.</summary>
    public IEnumerable<XaesSeries> Series => _read.Append(_written).OfType<XaesSeries>();

    /// <summary>Encrypts under a new nonce.</summary>
    /// <param name="now">The present time, in ticks of <see cref="TimeSpan"/>.</param>
    /// <param name="nonce">Receives the nonce.</param>
    /// <param name="plaintext">The plaintext.</param>
    /// <param name="ciphertext">Receives the ciphertext; may be the same memory.</param>
    /// <param name="tag">Receives the tag.</param>
    /// <param name="associatedData">What is authenticated with the plaintext.</param>
    /// <exception cref="ObjectDisposedException">The key is erased.</exception>
    public void Encrypt(
        long now,
        Span<byte> nonce,
        ReadOnlySpan<byte> plaintext,
        Span<byte> ciphertext,
        Span<byte> tag,
        ReadOnlySpan<byte> associatedData)
    {
        var prefix = nonce[..Xaes256Gcm.PrefixLength];
        var suffix = nonce[Xaes256Gcm.PrefixLength..];
        if (_written is not { } series || _values == MaxValues || now - _began >= MaxTime.Ticks)
        {
            NonceSource.Fill(prefix);
            series = Derive(prefix);
            _written?.Dispose();
            (_written, _began, _values) = (series, now, 0);
        }

        // Counted before it is used, so that a failure cannot make a series longer.
        _values++;
        series.CopyPrefixTo(prefix);

        // Asked for each value, never buffered: two clones of this process must not have the same bytes to give.
        NonceSource.Fill(suffix);
        series.Encrypt(suffix, plaintext, ciphertext, tag, associatedData);
    }

    /// <summary>Decrypts. Returns false, without plaintext, if the ciphertext is not authentic.</summary>
    /// <exception cref="ObjectDisposedException">The key is erased.</exception>
    public bool TryDecrypt(
        ReadOnlySpan<byte> nonce,
        ReadOnlySpan<byte> ciphertext,
        ReadOnlySpan<byte> tag,
        Span<byte> plaintext,
        ReadOnlySpan<byte> associatedData)
    {
        var prefix = nonce[..Xaes256Gcm.PrefixLength];
        var suffix = nonce[Xaes256Gcm.PrefixLength..];
        if (Find(prefix) is { } known)
        {
            return known.TryDecrypt(suffix, ciphertext, tag, plaintext, associatedData);
        }

        var series = Derive(prefix);
        var isAuthentic = false;
        try
        {
            isAuthentic = series.TryDecrypt(suffix, ciphertext, tag, plaintext, associatedData);
            return isAuthentic;
        }
        finally
        {
            // Only a series with an authentic value takes the place of another, so forged values evict nothing.
            if (isAuthentic && IsSecond(prefix))
            {
                _read[_oldest]?.Dispose();
                _read[_oldest] = series;
                _oldest = (_oldest + 1) % MaxRead;
            }
            else
            {
                series.Dispose();
            }
        }
    }

    public void Dispose()
    {
        _subkeys?.Dispose();
        _written?.Dispose();
        foreach (var series in _read)
        {
            series?.Dispose();
        }

        IsErased = true;
    }

    /// <summary>
    /// Whether another value of this series was read a short time ago. Values that are the only ones of their series then cost no more
    /// than a cipher that is made and disposed.
    /// </summary>
    private bool IsSecond(ReadOnlySpan<byte> prefix)
    {
        var start = BinaryPrimitives.ReadUInt64BigEndian(prefix);
        if (_seen.Contains(start))
        {
            return true;
        }

        _seen[_oldestSeen] = start;
        _oldestSeen = (_oldestSeen + 1) % MaxRead;
        return false;
    }

    private XaesSeries? Find(ReadOnlySpan<byte> prefix)
    {
        foreach (var series in _read)
        {
            if (series?.Has(prefix) == true)
            {
                return series;
            }
        }

        return _written?.Has(prefix) == true ? _written : null;
    }

    private XaesSeries Derive(ReadOnlySpan<byte> prefix)
    {
        // On the stack, and erased below. The cipher has its own copy.
        Span<byte> subkey = stackalloc byte[DataKey.Length];

        // An operation on the key: once the key is erased, no new series begins.
        ObjectDisposedException.ThrowIf(!_key.TryEnter(), _key);
        try
        {
            _subkeys ??= new XaesSubkeys(_key);
            _subkeys.Derive(prefix, subkey);
            return new XaesSeries(prefix, subkey);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(subkey);
            _key.Exit();
        }
    }
}
