using Microsoft.AspNetCore.DataProtection;
using Microsoft.EntityFrameworkCore;
using Scalr.Byok.Kms;

namespace Columns;

/// <summary>
/// What the customers typed, in a table of the host's database. The secrets are encrypted by ASP.NET Core's data protection.
/// </summary>
/// <remarks>
/// A singleton that many threads call, so each call makes a context of its own. The store also knows which tenant has registered which key
/// and role, so that no tenant can use those of another.
/// </remarks>
/// <param name="contexts">The host's database.</param>
/// <param name="protection">
/// The host's data protection. In production, its keys are shared by all processes of the host, and encrypted.
/// </param>
public sealed class CustomerStore(IDbContextFactory<HostContext> contexts, IDataProtectionProvider protection)
    : IByokKeySettingsStore, IByokTenantRegistrations
{
    /// <summary>
    /// Stores a tenant's settings, and registers the keys and roles in them. <see cref="IByokKeyRingProvider.Invalidate"/> comes next, in
    /// every process of the host.
    /// </summary>
    /// <exception cref="DbUpdateException">
    /// Another tenant has registered one of them, maybe at the same moment: the resource is the primary key.
    /// </exception>
    public async Task SetAsync(string tenant, ByokKeySettings settings, CancellationToken cancellationToken = default)
    {
        var json = ByokKeySettingsJson.Serialize(settings, Protector(tenant).Protect);
        await using var context = await contexts.CreateDbContextAsync(cancellationToken);
        if (await context.KeySettings.FindAsync([tenant], cancellationToken) is { } stored)
        {
            stored.Json = json;
        }
        else
        {
            context.Add(new StoredKeySettings { Tenant = tenant, Json = json });
        }

        var resources = ByokTenantResources.Of(settings);
        var registered = await context.KeyResources.Where(row => row.Tenant == tenant).ToListAsync(cancellationToken);
        context.RemoveRange(registered.Where(row => !resources.Contains(row.Resource)));
        var added = resources.Except(registered.Select(row => row.Resource));
        context.AddRange(added.Select(resource => new StoredKeyResource { Resource = resource, Tenant = tenant }));
        await context.SaveChangesAsync(cancellationToken); // one transaction
    }

    /// <inheritdoc/>
    public async ValueTask<ByokKeySettings?> FindAsync(string tenant, CancellationToken cancellationToken)
    {
        await using var context = await contexts.CreateDbContextAsync(cancellationToken);
        var stored = await context.KeySettings.AsNoTracking().SingleOrDefaultAsync(row => row.Tenant == tenant, cancellationToken);
        return stored is null ? null : ByokKeySettingsJson.Deserialize(stored.Json, Protector(tenant).Unprotect);
    }

    /// <inheritdoc/>
    public async ValueTask<string?> FindTenantAsync(string resource, CancellationToken cancellationToken)
    {
        await using var context = await contexts.CreateDbContextAsync(cancellationToken);
        return (await context.KeyResources.FindAsync([resource], cancellationToken))?.Tenant;
    }

    /// <summary>The tenant is part of the purpose, so that stored settings open in their own row only.</summary>
    private IDataProtector Protector(string tenant) => protection.CreateProtector("byok", "key settings", tenant);
}
