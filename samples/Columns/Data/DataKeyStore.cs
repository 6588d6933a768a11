using System.Globalization;
using Microsoft.EntityFrameworkCore;
using Scalr.Byok.Kms;

namespace Columns;

/// <summary>One tenant's encrypted data keys, named by their number, in a table of the host's database.</summary>
/// <param name="options">The host's database.</param>
/// <param name="tenant">The tenant.</param>
public sealed class DataKeyStore(DbContextOptions<HostContext> options, string tenant) : IByokDataKeyStore
{
    /// <summary>The tenant's data keys, newest first.</summary>
    public async Task<IReadOnlyList<StoredDataKey>> ListAsync(CancellationToken cancellationToken = default)
    {
        await using var context = new HostContext(options);
        return await context.StoredDataKeys.AsNoTracking()
            .Where(key => key.Tenant == tenant)
            .OrderByDescending(key => key.Number)
            .ToListAsync(cancellationToken);
    }

    /// <inheritdoc/>
    public async ValueTask<byte[]?> FindAsync(string name, CancellationToken cancellationToken)
    {
        await using var context = new HostContext(options);
        return await Numbered(context, Number(name)).Select(key => key.EncryptedKey).SingleOrDefaultAsync(cancellationToken);
    }

    /// <inheritdoc/>
    /// <remarks>
    /// The primary key decides who comes first. Who comes second adds nothing, which SQLite and PostgreSQL say without an error that would
    /// end a transaction.
    /// </remarks>
    public async ValueTask<bool> TryAddAsync(string name, byte[] encryptedKey, CancellationToken cancellationToken)
    {
        await using var context = new HostContext(options);
        return await context.Database.ExecuteSqlAsync(
            $"""
            INSERT INTO data_keys (tenant, number, encrypted_key) VALUES ({tenant}, {Number(name)}, {encryptedKey})
            ON CONFLICT DO NOTHING
            """,
            cancellationToken) == 1;
    }

    /// <summary>Replaces an encrypted data key by its re-encrypted form, unless someone else has replaced it meanwhile.</summary>
    public async Task ReplaceAsync(StoredDataKey stored, byte[] reencrypted, CancellationToken cancellationToken = default)
    {
        await using var context = new HostContext(options);
        await Numbered(context, stored.Number).Where(key => key.EncryptedKey == stored.EncryptedKey)
            .ExecuteUpdateAsync(set => set.SetProperty(key => key.EncryptedKey, reencrypted), cancellationToken);
    }

    /// <summary>Removes a data key. Every value that is still under it is lost.</summary>
    public async Task RemoveAsync(StoredDataKey stored, CancellationToken cancellationToken = default)
    {
        await using var context = new HostContext(options);
        await Numbered(context, stored.Number).ExecuteDeleteAsync(cancellationToken);
    }

    /// <summary>The name of the data key that comes after the newest there is.</summary>
    public static string Next(IReadOnlyList<StoredDataKey> newestFirst) =>
        ((newestFirst.Count == 0 ? 0 : newestFirst[0].Number) + 1).ToString(CultureInfo.InvariantCulture);

    private static int Number(string name) => int.Parse(name, CultureInfo.InvariantCulture);

    private IQueryable<StoredDataKey> Numbered(HostContext context, int number) =>
        context.StoredDataKeys.Where(key => key.Tenant == tenant && key.Number == number);
}
