using System.Globalization;
using Microsoft.EntityFrameworkCore;
using Scalr.Byok.Kms;

namespace Columns;

/// <summary>One tenant's encrypted data keys, by number, in a table of the host's database.</summary>
/// <param name="options">The host's database.</param>
/// <param name="tenant">The tenant.</param>
public sealed class DataKeyStore(DbContextOptions<HostContext> options, string tenant) : IByokDataKeyStore
{
    /// <summary>The names of the tenant's data keys, newest first; "1" if none was made yet.</summary>
    public async Task<IReadOnlyList<string>> ListAsync(CancellationToken cancellationToken = default)
    {
        await using var context = new HostContext(options);
        var numbers = await context.StoredDataKeys.Where(key => key.Tenant == tenant).Select(key => key.Number).ToListAsync(cancellationToken);
        return [.. numbers.DefaultIfEmpty(1).OrderDescending().Select(Name)];
    }

    /// <inheritdoc/>
    public async ValueTask<byte[]?> FindAsync(string name, CancellationToken cancellationToken)
    {
        await using var context = new HostContext(options);
        return await Named(context, name).Select(key => key.EncryptedKey).SingleOrDefaultAsync(cancellationToken);
    }

    /// <inheritdoc/>
    /// <remarks>The primary key decides who comes first. Who comes second adds nothing, which SQLite and PostgreSQL say without an error that would end a transaction.</remarks>
    public async ValueTask<bool> TryAddAsync(string name, byte[] encryptedKey, CancellationToken cancellationToken)
    {
        await using var context = new HostContext(options);
        return await context.Database.ExecuteSqlAsync(
            $"INSERT INTO data_keys (tenant, number, encrypted_key) VALUES ({tenant}, {Number(name)}, {encryptedKey}) ON CONFLICT DO NOTHING",
            cancellationToken) == 1;
    }

    /// <summary>Replaces an encrypted data key by its rewrapped form, unless somebody else has replaced it meanwhile.</summary>
    public async Task<bool> TryReplaceAsync(string name, byte[] encryptedKey, byte[] rewrapped, CancellationToken cancellationToken = default)
    {
        await using var context = new HostContext(options);
        return await Named(context, name).Where(key => key.EncryptedKey == encryptedKey)
            .ExecuteUpdateAsync(set => set.SetProperty(key => key.EncryptedKey, rewrapped), cancellationToken) == 1;
    }

    /// <summary>Removes a data key. Every value that is still under it is lost.</summary>
    public async Task RemoveAsync(string name, CancellationToken cancellationToken = default)
    {
        await using var context = new HostContext(options);
        await Named(context, name).ExecuteDeleteAsync(cancellationToken);
    }

    /// <summary>The name of the data key that takes another's place.</summary>
    public static string Next(string name) => Name(Number(name) + 1);

    private static string Name(int number) => number.ToString(CultureInfo.InvariantCulture);

    private static int Number(string name) => int.Parse(name, CultureInfo.InvariantCulture);

    private IQueryable<StoredDataKey> Named(HostContext context, string name)
    {
        var number = Number(name);
        return context.StoredDataKeys.Where(key => key.Tenant == tenant && key.Number == number);
    }
}
