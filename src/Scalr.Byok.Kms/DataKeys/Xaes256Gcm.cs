using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;

namespace Scalr.Byok.Kms.DataKeys;

/// <summary>
/// XAES-256-GCM as C2SP specifies it (https://c2sp.org/XAES-256-GCM): AES-256-GCM under a key derived from the first half of a 24-byte
/// nonce, so that random nonces are safe for any number of values. Safe for concurrent use.
/// </summary>
/// <remarks>
/// <para>
/// Values are written in series: the first half of the nonce is drawn once per series, the second half once per value. A series has one
/// derived key (<see cref="XaesCiphers"/>). ARCHITECTURE.md, "Series", shows why 96 random bits are enough.
/// </para>
/// <para>A call that is under way when the key is erased completes with the intact key, and erases what it used.</para>
/// </remarks>
internal sealed class Xaes256Gcm : IDisposable
{
    public const int NonceLength = 24;
    public const int TagLength = 16;

    /// <summary>The length of the first half of a nonce, from which the key is derived.</summary>
    public const int PrefixLength = 12;

    /// <summary>The distance of two places, in references: they never share a line of a processor's cache.</summary>
    private const int Stride = 16;

    private readonly DataKey _key;

    /// <summary>
    /// Idle ciphers, one place per processor. A thread takes ciphers out while it uses them, so two threads never share any.
    /// </summary>
    private readonly XaesCiphers?[] _idle = new XaesCiphers?[Math.Min(Environment.ProcessorCount, 16) * Stride];

    /// <param name="key">The key. Takes ownership.</param>
    public Xaes256Gcm(DataKey key) => _key = key;

    /// <summary>Whether the key and all keys derived from it are erased.</summary>
    public bool IsErased => _key.IsErased && Array.TrueForAll(_idle, static idle => idle is null);

    /// <summary>The ciphers that no thread uses now, to be looked at by tests.</summary>
    public IEnumerable<XaesCiphers> Idle => _idle.OfType<XaesCiphers>();

    /// <summary>Encrypts under a new random nonce. Plaintext and ciphertext may be the same memory.</summary>
    /// <param name="now">The present time, in ticks of <see cref="TimeSpan"/>: ends series.</param>
    /// <param name="nonce">Receives the nonce.</param>
    /// <param name="plaintext">The plaintext.</param>
    /// <param name="ciphertext">Receives the ciphertext.</param>
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
        Debug.Assert(nonce.Length == NonceLength, "a nonce has its fixed length");
        var ciphers = Take(out var place);
        try
        {
            ciphers.Encrypt(now, nonce, plaintext, ciphertext, tag, associatedData);
        }
        finally
        {
            GiveBack(ciphers, place);
        }
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
        Debug.Assert(nonce.Length == NonceLength, "a nonce has its fixed length");
        var ciphers = Take(out var place);
        try
        {
            return ciphers.TryDecrypt(nonce, ciphertext, tag, plaintext, associatedData);
        }
        finally
        {
            GiveBack(ciphers, place);
        }
    }

    public void Dispose()
    {
        // First: GiveBack reads this mark after it has filled a place.
        _key.Dispose();
        for (var i = 0; i < _idle.Length; i += Stride)
        {
            Interlocked.Exchange(ref _idle[i], null)?.Dispose();
        }
    }

    /// <summary>Takes ciphers that this thread alone has until it gives them back.</summary>
    [SuppressMessage("Reliability", "CA2000:Dispose objects before losing scope", Justification = "The caller gives them back.")]
    private XaesCiphers Take(out int place)
    {
        // A later erasure does not end this call, which is under way.
        ObjectDisposedException.ThrowIf(_key.IsErased, _key);
        place = (int)((uint)Thread.GetCurrentProcessorId() % (uint)(_idle.Length / Stride)) * Stride;

        // Nothing is there if another thread was interrupted on this processor. New ciphers then begin a series of their own.
        return Interlocked.Exchange(ref _idle[place], null) ?? new XaesCiphers(_key);
    }

    private void GiveBack(XaesCiphers ciphers, int place)
    {
        // Dispose marks the key as erased before it empties the places. Here the mark is read after the place was filled. So one of the
        // two finds the ciphers in their place and erases them.
        if (Interlocked.CompareExchange(ref _idle[place], ciphers, null) is not null)
        {
            ciphers.Dispose();
        }
        else if (_key.IsErased)
        {
            Interlocked.Exchange(ref _idle[place], null)?.Dispose();
        }
    }
}
