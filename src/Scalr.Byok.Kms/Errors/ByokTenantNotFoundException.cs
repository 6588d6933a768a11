namespace Scalr.Byok.Kms;

/// <summary>Thrown if the host's <see cref="IByokKeySettingsStore"/> has no settings for a tenant.</summary>
public sealed class ByokTenantNotFoundException : ByokException
{
    /// <summary>Creates an exception for a tenant.</summary>
    /// <param name="tenant">The tenant. It is not part of the message, which may be logged.</param>
    /// <exception cref="ArgumentNullException"><paramref name="tenant"/> is null.</exception>
    public ByokTenantNotFoundException(string tenant)
        : base($"The host's {nameof(IByokKeySettingsStore)} has no settings for the requested tenant (see the property {nameof(Tenant)}).")
    {
        ArgumentNullException.ThrowIfNull(tenant);
        Tenant = tenant;
    }

    /// <summary>The tenant.</summary>
    public string Tenant { get; }

    /// <summary>Always <see langword="false"/>: the host has to store settings first.</summary>
    public override bool IsTransient => false;
}
