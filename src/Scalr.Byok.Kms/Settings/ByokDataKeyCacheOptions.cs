namespace Scalr.Byok.Kms;

/// <summary>Limits on the use of the plaintext data keys in a key ring's cache. Each key ring has its own cache.</summary>
/// <remarks>
/// A cached data key serves calls without a request to AWS KMS. It is used only if AWS has accepted the customer's key within
/// <see cref="ByokOptions.ConfirmationInterval"/>. It is erased at the end of its lifetime, when it is replaced, and at once when AWS
/// denies the use of the customer's key.
/// </remarks>
public sealed class ByokDataKeyCacheOptions
{
    /// <summary>The longest time for which a data key may be used: zero to 1 hour. Default: 5 minutes. Zero turns the cache off.</summary>
    /// <remarks>
    /// For encryption, the time counts from the creation of the data key. For decryption, streams and open <see cref="ByokDataKey"/>s, it
    /// counts from the last request with that data key that AWS KMS accepted. With zero, each call costs a request to AWS KMS, and
    /// <see cref="ByokOptions.ConfirmationInterval"/> is the limit for streams and open data keys.
    /// </remarks>
    public TimeSpan MaxAge { get; set; } = TimeSpan.FromMinutes(5);

    /// <summary>
    /// The number of messages to encrypt under one data key: 1 or more. Default: 1,000,000. Each message has its own derived keys.
    /// </summary>
    public long MaxMessages { get; set; } = 1_000_000;

    /// <summary>The number of plaintext bytes to encrypt under one data key: 1 or more. Default: 1 TiB.</summary>
    /// <remarks>A message that exceeds the limit is completed. A stream counts at its end.</remarks>
    public long MaxBytes { get; set; } = 1L << 40;

    /// <summary>
    /// The number of data keys that a key ring caches for encryption, one per encryption context, and the same number for decryption: 1 or
    /// more. Default: 1,000.
    /// </summary>
    public int MaxKeys { get; set; } = 1000;

    /// <summary>
    /// How much longer than <see cref="MaxAge"/> a data key may be used in an outage of AWS KMS: zero to 24 hours. Default: zero.
    /// </summary>
    /// <remarks>Does not apply to throttling. A denial ends the use at once.</remarks>
    public TimeSpan OutageGrace { get; set; }
}
