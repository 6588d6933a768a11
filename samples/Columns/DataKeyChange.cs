using System.Security.Cryptography;
using Columns.Encryption;
using Microsoft.EntityFrameworkCore;
using Scalr.Byok.Kms;

namespace Columns;

/// <summary>
/// Gives a tenant another data key while the host goes on: add it, move the values until none is left, drop the old one. Rarely needed: a new KMS key needs
/// <see cref="TenantContexts.RewrapAsync"/> only.
/// </summary>
/// <param name="options">The host's database.</param>
/// <param name="rings">The tenants' key rings.</param>
/// <param name="contexts">The tenants' contexts.</param>
public sealed class DataKeyChange(DbContextOptions<HostContext> options, IByokKeyRingProvider rings, TenantContexts contexts)
{
    private const int PageSize = 500;

    /// <summary>Adds a data key, under which contexts that are opened from now on encrypt.</summary>
    /// <remarks>A context that was opened before does not read what is written under it: such a request fails, and succeeds when it is tried again.</remarks>
    public async Task AddAsync(string tenant, CancellationToken cancellationToken = default)
    {
        var ring = await rings.GetKeyRingAsync(tenant, cancellationToken);
        var store = new DataKeyStore(options, tenant);
        var next = DataKeyStore.Next(await store.ListAsync(cancellationToken));
        (await ring.GetOrCreateDataKeyAsync(store, next, cancellationToken: cancellationToken)).Dispose();
    }

    /// <summary>Encrypts under the newest data key what is under an older one.</summary>
    /// <returns>How many values were moved. Contexts that were opened before the newest key still write under an older one: call it until they have ended and it returns 0.</returns>
    public async Task<int> MoveAsync(string tenant, CancellationToken cancellationToken = default) =>
        await MoveAsync<Variable>(tenant, cancellationToken) + await MoveAsync<ProviderCredentials>(tenant, cancellationToken);

    /// <summary>Drops all data keys but the newest. Only after <see cref="MoveAsync(string, CancellationToken)"/> has returned 0: what is under them is lost.</summary>
    public async Task DropOldAsync(string tenant, CancellationToken cancellationToken = default)
    {
        var store = new DataKeyStore(options, tenant);
        foreach (var old in (await store.ListAsync(cancellationToken)).Skip(1))
        {
            await store.RemoveAsync(old, cancellationToken);
        }
    }

    private async Task<int> MoveAsync<T>(string tenant, CancellationToken cancellationToken)
        where T : TenantRow
    {
        var moved = 0;
        foreach (var column in EncryptedColumn.Of(typeof(T)))
        {
            for (Guid? last = Guid.Empty; last is not null;)
            {
                await using var context = await contexts.OpenAsync(tenant, cancellationToken);
                await using var transaction = await context.Database.BeginTransactionAsync(cancellationToken);
                var page = await context.Set<T>().Where(row => row.Id > last).OrderBy(row => row.Id).Take(PageSize)
                    .Select(row => new { row.Id, Value = EF.Property<byte[]?>(row, column.Stored) }).ToListAsync(cancellationToken);
                foreach (var row in page.Where(row => row.Value is not null && context.DataKeys!.NeedsReencryption(row.Value)))
                {
                    moved += await MoveAsync(context.Set<T>().Where(one => one.Id == row.Id), column.Stored, row.Value!, column.Place(row.Id), context.DataKeys!);
                }

                await transaction.CommitAsync(cancellationToken);
                last = page.Count == 0 ? null : page[^1].Id;
            }
        }

        return moved;
    }

    /// <summary>Replaces the very bytes that were read: what a request has written meanwhile stays.</summary>
    private static Task<int> MoveAsync<T>(IQueryable<T> row, string stored, byte[] value, byte[] place, ByokDataKeys keys)
        where T : TenantRow
    {
        var clear = keys.Decrypt(value, place);
        var encrypted = keys.Encrypt(clear, place);
        CryptographicOperations.ZeroMemory(clear);
        return row.Where(one => EF.Property<byte[]?>(one, stored) == value)
            .ExecuteUpdateAsync(set => set.SetProperty(one => EF.Property<byte[]?>(one, stored), encrypted), CancellationToken.None);
    }
}
