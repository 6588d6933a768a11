using Microsoft.EntityFrameworkCore;
using Scalr.Byok.Kms;

namespace Columns;

/// <summary>
/// Opens the database for one tenant and one request: a context with the tenant's data keys. A singleton; in a web host, middleware would
/// open one for each request.
/// </summary>
/// <param name="options">The host's database.</param>
/// <param name="rings">The tenants' key rings.</param>
public sealed class TenantContexts(DbContextOptions<HostContext> options, IByokKeyRingProvider rings)
{
    /// <summary>
    /// Opens the tenant's data keys, making the first if there is none. AWS KMS is asked once in
    /// <see cref="ByokDataKeyCacheOptions.MaxAge"/>.
    /// </summary>
    /// <returns>The context; the caller disposes it.</returns>
    /// <exception cref="ByokKeyUnavailableException">The customer's key or permission is not usable.</exception>
    public async Task<HostContext> OpenAsync(string tenant, CancellationToken cancellationToken = default) =>
        new(options, tenant, await OpenDataKeysAsync(tenant, cancellationToken));

    /// <summary>Opens the tenant's data keys, the newest first, without a context.</summary>
    /// <returns>The data keys; the caller disposes them.</returns>
    /// <exception cref="ByokKeyUnavailableException">The customer's key or permission is not usable.</exception>
    public async Task<ByokDataKeySet> OpenDataKeysAsync(string tenant, CancellationToken cancellationToken = default)
    {
        var ring = await rings.GetKeyRingAsync(tenant, cancellationToken);
        var store = new DataKeyStore(options, tenant);
        var opened = new List<ByokDataKey>();
        try
        {
            var stored = await store.ListAsync(cancellationToken);
            if (stored.Count == 0)
            {
                opened.Add(await ring.GetOrCreateDataKeyAsync(store, DataKeyStore.Next(stored), cancellationToken: cancellationToken));
            }

            foreach (var key in stored)
            {
                opened.Add(await ring.OpenDataKeyAsync(key.EncryptedKey, cancellationToken: cancellationToken));
            }

            return new ByokDataKeySet(opened);
        }
        catch
        {
            opened.ForEach(key => key.Dispose());
            throw;
        }
    }

    /// <summary>
    /// Moves the tenant's data keys, and with them all values, to the tenant's new KMS key: a few hundred bytes are encrypted again, and no
    /// row is touched.
    /// </summary>
    public async Task ReencryptAsync(string tenant, CancellationToken cancellationToken = default)
    {
        var ring = await rings.GetKeyRingAsync(tenant, cancellationToken);
        var store = new DataKeyStore(options, tenant);
        foreach (var key in await store.ListAsync(cancellationToken))
        {
            var moved = await ring.ReencryptAsync(key.EncryptedKey, cancellationToken: cancellationToken);
            await store.ReplaceAsync(key, moved, cancellationToken);
        }
    }
}
