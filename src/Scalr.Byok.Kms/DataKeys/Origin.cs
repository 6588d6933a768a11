using Scalr.Byok.Kms.Resilience;

namespace Scalr.Byok.Kms.DataKeys;

/// <summary>Where a plaintext data key comes from: its ciphertext and encryption context. It holds no secret.</summary>
internal sealed class Origin
{
    private long _accepted;
    private int _renewing;

    /// <param name="ciphertext">What kms:Encrypt made of the data key; never changed.</param>
    /// <param name="context">The encryption context.</param>
    /// <param name="contextId">Bytes that are the same for the same encryption context, and for no other.</param>
    /// <param name="accepted">The moment before AWS KMS was asked to wrap or to unwrap it.</param>
    public Origin(ReadOnlyMemory<byte> ciphertext, IReadOnlyDictionary<string, string> context, ReadOnlyMemory<byte> contextId, Moment accepted)
    {
        Ciphertext = ciphertext;
        Context = context;
        ContextId = contextId;
        _accepted = accepted.Ticks;
    }

    public ReadOnlyMemory<byte> Ciphertext { get; }

    public IReadOnlyDictionary<string, string> Context { get; }

    public ReadOnlyMemory<byte> ContextId { get; }

    /// <summary>When AWS KMS last accepted a request with it, in ticks of <see cref="AgeClock"/>.</summary>
    public long Accepted => Volatile.Read(ref _accepted);

    public bool IsIn(ReadOnlyMemory<byte> contextId) => ContextId.Span.SequenceEqual(contextId.Span);

    /// <summary>AWS KMS accepted a request with it that was sent at this time.</summary>
    public void Accept(long sent)
    {
        var seen = Accepted;
        while (seen < sent && Interlocked.CompareExchange(ref _accepted, sent, seen) is var now && now != seen)
        {
            seen = now;
        }
    }

    /// <summary>Takes the right to renew it, which one task has at a time and gives back with <see cref="EndRenewal"/>.</summary>
    public bool TryBeginRenewal() => Interlocked.Exchange(ref _renewing, 1) == 0;

    public void EndRenewal() => Volatile.Write(ref _renewing, 0);
}
