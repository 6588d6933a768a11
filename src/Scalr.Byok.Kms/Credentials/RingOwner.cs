namespace Scalr.Byok.Kms.Credentials;

/// <summary>The owner of a ring.</summary>
/// <param name="Name">
/// The tenant of <c>AddTenantKeyRings</c>, or the name of the ring of <c>AddKeyRing</c>; null for the unnamed ring.
/// </param>
/// <param name="IsTenant">Whether it is a tenant of <c>AddTenantKeyRings</c>.</param>
internal readonly record struct RingOwner(string? Name, bool IsTenant)
{
    /// <summary>The unnamed ring of <c>AddKeyRing</c>.</summary>
    public static RingOwner Unnamed => default;

    /// <summary>The tenant that the ring's messages are bound to; null if there is none.</summary>
    public string? Tenant => IsTenant ? Name : null;

    /// <summary>A ring of <c>AddKeyRing</c>. The empty name is the unnamed ring.</summary>
    public static RingOwner Ring(string name) => new(name.Length == 0 ? null : name, IsTenant: false);

    /// <summary>A tenant of <c>AddTenantKeyRings</c>.</summary>
    public static RingOwner OfTenant(string tenant) => new(tenant, IsTenant: true);
}
