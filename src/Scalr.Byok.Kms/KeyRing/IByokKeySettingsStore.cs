namespace Scalr.Byok.Kms;

/// <summary>The host's storage of its customers' key settings. The host implements it.</summary>
/// <remarks>
/// Registered as a singleton by <c>AddScalrByok().AddTenantKeyRings&lt;TStore&gt;()</c>. Must be safe for concurrent use; there is one call
/// at a time per tenant. A store on a scoped service, such as a <c>DbContext</c>, creates a scope per call. Settings contain secrets: store
/// them encrypted, for example as <see cref="ByokKeySettingsJson"/> writes them. Call <see cref="IByokKeyRingProvider.Invalidate"/> after a
/// change. A store that also implements <see cref="IByokTenantRegistrations"/> prevents tenants from using the keys and roles of others.
/// </remarks>
public interface IByokKeySettingsStore
{
    /// <summary>Finds a tenant's settings.</summary>
    /// <param name="tenant">The tenant's name.</param>
    /// <param name="cancellationToken">
    /// Cancelled when the host's service provider is disposed. Not a caller's token: several callers may wait.
    /// </param>
    /// <returns>
    /// The settings, which must not be changed afterwards; <see cref="ByokKeySettings.Platform"/> for a tenant under the host's platform
    /// key; null if there is no such tenant.
    /// </returns>
    /// <remarks>
    /// <para>An exception goes unchanged to all callers that wait for the tenant's key ring. The next caller reads again.</para>
    /// <para>
    /// Also called when AWS rejects the credentials of the current settings, at most once per 5 seconds and tenant. Must return the
    /// settings that are stored at that moment: do not read from a cache or a lagging replica. An exception is then logged without its
    /// text, and the caller gets AWS's denial.
    /// </para>
    /// </remarks>
    ValueTask<ByokKeySettings?> FindAsync(string tenant, CancellationToken cancellationToken);
}
