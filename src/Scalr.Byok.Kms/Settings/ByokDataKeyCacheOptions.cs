namespace Scalr.Byok.Kms;

/// <summary>How long plaintext data keys are kept in a key ring's memory, and for how many messages. Each key ring has a cache of its own.</summary>
/// <remarks>
/// A data key that is kept serves calls without a call to AWS KMS. It is erased when its time is over, when it gives way to another, and at once when AWS
/// says that the customer's key cannot be used any more, which a key ring in use asks every <see cref="ByokOptions.ConfirmationInterval"/>.
/// </remarks>
public sealed class ByokDataKeyCacheOptions
{
    /// <summary>How long a data key serves: zero to 1 hour. Default 5 minutes. Zero turns the cache off: every call goes to AWS KMS.</summary>
    /// <remarks>So long, too, an open <see cref="ByokDataKey"/> may be used after AWS KMS has confirmed it; with zero, for <see cref="ByokOptions.ConfirmationInterval"/>.</remarks>
    public TimeSpan MaxAge { get; set; } = TimeSpan.FromMinutes(5);

    /// <summary>How many messages are encrypted under one data key: 1 or more. Default 1,000,000. Each has keys of its own, derived from it.</summary>
    public long MaxMessages { get; set; } = 1_000_000;

    /// <summary>How many plaintext bytes are encrypted under one data key: 1 or more. Default 1 TiB.</summary>
    /// <remarks>A message that is begun is finished; a stream counts when it is done.</remarks>
    public long MaxBytes { get; set; } = 1L << 40;

    /// <summary>How many data keys a key ring keeps for encryption (one for each encryption context), and as many again for decryption: 1 or more. Default 1,000.</summary>
    public int MaxKeys { get; set; } = 1000;

    /// <summary>How much longer than <see cref="MaxAge"/> a data key may serve while AWS is failing: zero to 24 hours. Default zero.</summary>
    /// <remarks>An outage only. A customer's revocation ends it at once, as soon as AWS can be asked.</remarks>
    public TimeSpan OutageGrace { get; set; }
}
