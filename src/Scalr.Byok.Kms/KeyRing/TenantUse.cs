namespace Scalr.Byok.Kms.KeyRing;

/// <summary>The use of a tenant's ring by one call; the ring is not disposed before it has ended.</summary>
internal readonly struct TenantUse : IDisposable
{
    public TenantUse(TenantRing owner, TracedKeyRing ring)
    {
        Owner = owner;
        Ring = ring;
    }

    public TenantRing Owner { get; }

    public TracedKeyRing Ring { get; }

    public void Dispose() => Owner.Exit(isUse: true);
}
