using Scalr.Byok.Kms.Resilience;

namespace Scalr.Byok.Kms.DataKeys;

/// <summary>The origin of a plaintext data key: its ciphertext and encryption context. Holds no secret.</summary>
internal sealed class Origin
{
    private long _accepted;

    /// <param name="ciphertext">The ciphertext of the data key; must not change.</param>
    /// <param name="context">The encryption context.</param>
    /// <param name="contextId">The identity of the encryption context: equal bytes for equal contexts only.</param>
    /// <param name="accepted">The moment before the request to wrap or unwrap it was sent.</param>
    public Origin(
        ReadOnlyMemory<byte> ciphertext, IReadOnlyDictionary<string, string> context, ReadOnlyMemory<byte> contextId, Moment accepted)
    {
        Ciphertext = ciphertext;
        Context = context;
        ContextId = contextId;
        _accepted = accepted.Ticks;
    }

    public ReadOnlyMemory<byte> Ciphertext { get; }

    public IReadOnlyDictionary<string, string> Context { get; }

    public ReadOnlyMemory<byte> ContextId { get; }

    /// <summary>When the last accepted request with this origin was sent, in ticks of <see cref="AgeClock"/>.</summary>
    public long Accepted => Volatile.Read(ref _accepted);

    /// <summary>
    /// The request that renews its acceptance; null while none is under way. Guarded by the lock of its <see cref="KeyAccess"/>.
    /// </summary>
    public Task<ByokException?>? Renewal { get; set; }

    public bool IsIn(ReadOnlyMemory<byte> contextId) => ContextId.Span.SequenceEqual(contextId.Span);

    /// <summary>Records an accepted request that was sent at this time.</summary>
    public void Accept(long sent)
    {
        // Answers can arrive out of order. The time only moves forward, so a late answer to an old request changes nothing.
        var seen = Accepted;
        while (seen < sent && Interlocked.CompareExchange(ref _accepted, sent, seen) is var now && now != seen)
        {
            seen = now;
        }
    }
}
