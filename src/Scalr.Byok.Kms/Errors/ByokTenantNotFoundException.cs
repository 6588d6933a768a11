namespace Scalr.Byok.Kms;

/// <summary>The host's <see cref="IByokKeySettingsStore"/> has no settings for a tenant.</summary>
public sealed class ByokTenantNotFoundException : ByokException
{
    /// <summary>An exception for one tenant.</summary>
    /// <param name="tenant">The tenant. It is no part of the message, which may go into logs.</param>
    /// <exception cref="ArgumentNullException"><paramref name="tenant"/> is null.</exception>
    public ByokTenantNotFoundException(string tenant)
        : base($"The host's {nameof(IByokKeySettingsStore)} has no settings for the tenant that was asked for (see the property {nameof(Tenant)}).")
    {
        ArgumentNullException.ThrowIfNull(tenant);
        Tenant = tenant;
    }

    /// <summary>The tenant.</summary>
    public string Tenant { get; }

    /// <summary>Always false: somebody has to store settings first.</summary>
    public override bool IsTransient => false;
}
