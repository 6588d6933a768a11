namespace Scalr.Byok.Kms;

/// <summary>How long plaintext data keys are kept in a key ring's memory, and for how many messages. Each key ring has a cache of its own.</summary>
/// <remarks>
/// A cached data key serves calls without a call to AWS KMS of its own. It is used only if AWS has accepted the customer's key within
/// <see cref="ByokOptions.ConfirmationInterval"/>. It is erased at the end of its lifetime, when another one takes its place, and at once
/// when AWS denies the use of the customer's key.
/// </remarks>
public sealed class ByokDataKeyCacheOptions
{
    /// <summary>How long a data key may be used: zero to 1 hour. Default 5 minutes. Zero turns the cache off: every call goes to AWS KMS.</summary>
    /// <remarks>
    /// For encryption the time counts from the making of the data key. For decryption, streams and open <see cref="ByokDataKey"/>s it
    /// counts from the last request with that data key that AWS KMS has accepted. While AWS KMS does not answer, no data key is used for
    /// longer. For streams and open data keys zero means <see cref="ByokOptions.ConfirmationInterval"/>.
    /// </remarks>
    public TimeSpan MaxAge { get; set; } = TimeSpan.FromMinutes(5);

    /// <summary>How many messages are encrypted under one data key: 1 or more. Default 1,000,000. Each has keys of its own, derived from it.</summary>
    public long MaxMessages { get; set; } = 1_000_000;

    /// <summary>How many plaintext bytes are encrypted under one data key: 1 or more. Default 1 TiB.</summary>
    /// <remarks>A message that is begun is finished; a stream counts when it is done.</remarks>
    public long MaxBytes { get; set; } = 1L << 40;

    /// <summary>How many data keys a key ring keeps for encryption (one for each encryption context), and as many again for decryption: 1 or more. Default 1,000.</summary>
    public int MaxKeys { get; set; } = 1000;

    /// <summary>How much longer than <see cref="MaxAge"/> a data key may be used while AWS KMS does not answer: zero to 24 hours. Default zero.</summary>
    /// <remarks>Applies to outages, not to throttling. A denial ends the use at once.</remarks>
    public TimeSpan OutageGrace { get; set; }
}
