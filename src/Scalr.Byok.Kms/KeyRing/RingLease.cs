namespace Scalr.Byok.Kms.KeyRing;

/// <summary>The use of a key ring by one call. The ring is not disposed before the lease ends.</summary>
internal readonly struct RingLease : IDisposable
{
    public RingLease(LeasedRing owner, ByokKeyRing ring)
    {
        Owner = owner;
        Ring = ring;
    }

    public LeasedRing Owner { get; }

    public ByokKeyRing Ring { get; }

    public void Dispose() => Owner.Exit(isUse: true);
}
