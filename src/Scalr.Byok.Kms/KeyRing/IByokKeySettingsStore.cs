namespace Scalr.Byok.Kms;

/// <summary>Where the host keeps its customers' settings; implemented by the host and added by <c>AddScalrByok().AddKeyRings&lt;TStore&gt;()</c>.</summary>
/// <remarks>
/// A singleton that is called by many threads at a time, for one tenant once at a time: a store on a scoped service, such as a <c>DbContext</c>, makes a scope of its own for
/// each call. Settings have secrets in them: keep them encrypted, for example as <see cref="ByokKeySettingsJson"/> writes them. Call <see cref="IByokKeyRingProvider.Invalidate"/> when they have changed.
/// </remarks>
public interface IByokKeySettingsStore
{
    /// <summary>Looks up a tenant's settings.</summary>
    /// <param name="tenant">The tenant's name.</param>
    /// <param name="cancellationToken">Ends the look-up when the host's services are disposed. Not a caller's: several may wait for it.</param>
    /// <returns>The settings, which must not be changed any more; null if there is no such tenant.</returns>
    /// <remarks>What it throws passes unchanged to all who wait for the tenant's key ring. The next caller asks again.</remarks>
    ValueTask<ByokKeySettings?> FindAsync(string tenant, CancellationToken cancellationToken);
}
