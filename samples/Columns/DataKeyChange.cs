using Columns.Encryption;
using Microsoft.EntityFrameworkCore;
using Scalr.Byok.Kms;

namespace Columns;

/// <summary>
/// Gives a tenant another data key while the host goes on: add it, move the values until none is left, drop the old one. Rarely needed: a
/// new KMS key needs <see cref="TenantContexts.ReencryptAsync"/> only.
/// </summary>
/// <param name="options">The host's database.</param>
/// <param name="rings">The tenants' key rings.</param>
/// <param name="contexts">The tenants' contexts.</param>
public sealed class DataKeyChange(DbContextOptions<HostContext> options, IByokKeyRingProvider rings, TenantContexts contexts)
{
    /// <summary>Adds a data key, under which contexts that are opened afterwards encrypt.</summary>
    /// <remarks>
    /// A context that was opened before does not read what is written under it: such a request fails, and succeeds when it is tried again.
    /// </remarks>
    public async Task AddAsync(string tenant, CancellationToken cancellationToken = default)
    {
        var ring = await rings.GetKeyRingAsync(tenant, cancellationToken);
        var store = new DataKeyStore(options, tenant);
        var next = DataKeyStore.Next(await store.ListAsync(cancellationToken));
        (await ring.GetOrCreateDataKeyAsync(store, next, cancellationToken: cancellationToken)).Dispose();
    }

    /// <summary>
    /// Encrypts under the newest data key what is under an older one, in all tables of the model, so that none can be forgotten.
    /// </summary>
    /// <remarks>
    /// May be stopped and repeated at any moment. A host with many rows stores the checkpoints, as samples/Reencryption does.
    /// </remarks>
    /// <returns>
    /// How many values were moved. Contexts that were opened before the newest key still write under an older one: call it until they have
    /// ended and it returns 0.
    /// </returns>
    public async Task<long> MoveAsync(string tenant, CancellationToken cancellationToken = default)
    {
        var moved = 0L;
        foreach (var source in Sources(tenant).Values)
        {
            var keys = Keys(tenant);
            ReencryptionProgress? last = null;
            await foreach (var progress in ByokReencryption.RunAsync(
                source, keys, keys, new() { MaxDegreeOfParallelism = 1 }, cancellationToken)) // SQLite has one writer at a time
            {
                last = progress;
            }

            moved += last!.Moved;
        }

        return moved;
    }

    /// <summary>Counts the values that are not under the newest data key, without decrypting them.</summary>
    public async Task<long> CountOldAsync(string tenant, CancellationToken cancellationToken = default)
    {
        var remaining = 0L;
        foreach (var source in Sources(tenant).Values)
        {
            remaining += (await ByokReencryption.CountAsync(source, Keys(tenant), cancellationToken: cancellationToken)).Remaining;
        }

        return remaining;
    }

    /// <summary>Drops all data keys but the newest. Only after all contexts that were opened before it have ended.</summary>
    /// <exception cref="InvalidOperationException">A value is under an older one and would be lost.</exception>
    public async Task DropOldAsync(string tenant, CancellationToken cancellationToken = default)
    {
        if (await CountOldAsync(tenant, cancellationToken) is > 0 and var remaining)
        {
            throw new InvalidOperationException($"{remaining} values are under an older data key. Move them first.");
        }

        var store = new DataKeyStore(options, tenant);
        foreach (var old in (await store.ListAsync(cancellationToken)).Skip(1))
        {
            await store.RemoveAsync(old, cancellationToken);
        }
    }

    /// <summary>The encrypted columns of all tables, by their names, such as <c>variables.value</c>.</summary>
    public IReadOnlyDictionary<string, IReencryptionSource<Guid>> Sources(string tenant)
    {
        using var context = new HostContext(options);
        var sources =
            from type in context.Model.GetEntityTypes()
            from column in EncryptedColumn.Of(type.ClrType)
            let source = Activator.CreateInstance(typeof(ColumnSource<>).MakeGenericType(type.ClrType), options, tenant, column)
            select (column.Name, Source: (IReencryptionSource<Guid>)source);
        return sources.ToDictionary(column => column.Name, column => column.Source);
    }

    /// <summary>
    /// The tenant's data keys. Opened again after a denial, so that a run goes on when the customer has restored the access.
    /// </summary>
    public ReencryptionKey Keys(string tenant) =>
        ReencryptionKey.DataKeys(async stop => await contexts.OpenDataKeysAsync(tenant, stop));
}
