using System.Collections.Concurrent;
using Columns;
using Microsoft.EntityFrameworkCore;
using Scalr.Byok.Kms;
using WebHost.Accounts;

namespace WebHost.Data;

/// <summary>
/// Opens the database for the signed-in account and one request. Reads and writes stay right while the account's data moves to another key,
/// and in several processes.
/// </summary>
/// <param name="accounts">The accounts.</param>
/// <param name="contexts">Opens the tenant's data keys (samples/Columns).</param>
/// <param name="rings">The key rings of this process.</param>
/// <param name="options">The host's database.</param>
public sealed class TenantData(
    AccountStore accounts, TenantContexts contexts, IByokKeyRingProvider rings, DbContextOptions<HostContext> options)
{
    private const int Attempts = 3;

    private readonly ConcurrentDictionary<string, long> _versions = new();

    /// <summary>Reads the tenant's rows. The work may run again, if the data keys change or are confirmed late.</summary>
    /// <exception cref="ByokKeyUnavailableException">The customer's key or permission is unusable.</exception>
    /// <exception cref="ByokServiceException">AWS does not answer.</exception>
    /// <exception cref="DataKeyDeletedException">The account's data keys were deleted.</exception>
    public async Task<T> ReadAsync<T>(string tenant, Func<HostContext, Task<T>> work, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(work);
        for (var attempt = 1; ; attempt++)
        {
            await using var context = await OpenAsync(tenant, cancellationToken);
            try
            {
                return await work(context);
            }
            catch (ByokDecryptionException) when (attempt < Attempts && !HasNewestKey(context))
            {
                // The re-encryption job has added a data key since the context was opened.
            }
            catch (ByokServiceException e) when (e.IsTransient && attempt < Attempts)
            {
                // A busy process has confirmed the open data key late. Opening it again waits for the confirmation.
            }
        }
    }

    /// <summary>Changes the tenant's rows and saves them. The work may run again, if the data keys change or are confirmed late.</summary>
    /// <remarks>
    /// The data key under which the values are written is locked until the transaction ends. So a data key is never removed between the
    /// encryption of a value and its storage, which would lose the value.
    /// </remarks>
    public async Task WriteAsync(string tenant, Func<HostContext, Task> work, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(work);
        for (var attempt = 1; ; attempt++)
        {
            await using var context = await OpenAsync(tenant, cancellationToken);
            try
            {
                if (await TryWriteAsync(context, work, cancellationToken))
                {
                    return;
                }

                if (attempt == Attempts)
                {
                    throw new DbUpdateConcurrencyException("The data keys of the account change. Try again.");
                }
            }
            catch (ByokDecryptionException) when (attempt < Attempts && !HasNewestKey(context))
            {
                // As above. Nothing was written.
            }
            catch (ByokServiceException e) when (e.IsTransient && attempt < Attempts)
            {
                // As above. Nothing was written.
            }
        }
    }

    /// <summary>The tenant's key ring, for files.</summary>
    public async Task<IByokKeyRing> GetKeyRingAsync(string tenant, CancellationToken cancellationToken)
    {
        await RefreshAsync(tenant, cancellationToken);
        return await rings.GetKeyRingAsync(tenant, cancellationToken);
    }

    /// <summary>Reads the account, and drops this process's key ring if the account has changed since the last call.</summary>
    public async Task<Account> RefreshAsync(string tenant, CancellationToken cancellationToken)
    {
        var account = await accounts.GetAsync(tenant, cancellationToken);
        if (account.Phase == AccountPhase.DataKeyDeleted)
        {
            throw new DataKeyDeletedException();
        }

        if (!_versions.TryGetValue(tenant, out var known) || known < account.Version)
        {
            rings.Invalidate(tenant);
            _versions.AddOrUpdate(tenant, account.Version, (_, other) => Math.Max(other, account.Version));
        }

        return account;
    }

    private async Task<HostContext> OpenAsync(string tenant, CancellationToken cancellationToken)
    {
        await RefreshAsync(tenant, cancellationToken);
        return await contexts.OpenAsync(tenant, cancellationToken);
    }

    /// <returns>False if the newest data key is another one; nothing was written.</returns>
    private static async Task<bool> TryWriteAsync(HostContext context, Func<HostContext, Task> work, CancellationToken cancellationToken)
    {
        await using var transaction = await context.Database.BeginTransactionAsync(cancellationToken);
        if (!await LockPrimaryKeyAsync(context, cancellationToken))
        {
            return false;
        }

        await work(context);
        await context.SaveChangesAsync(cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        return true;
    }

    private bool HasNewestKey(HostContext context)
    {
        using var fresh = new HostContext(options);
        var newest = fresh.StoredDataKeys.Where(key => key.Tenant == context.Tenant).OrderByDescending(key => key.Number)
            .Select(key => key.EncryptedKey).FirstOrDefault();
        return newest is null || context.DataKeys!.Primary.EncryptedKey.Span.SequenceEqual(newest);
    }

    private static async Task<bool> LockPrimaryKeyAsync(HostContext context, CancellationToken cancellationToken)
    {
        var (tenant, key) = (context.Tenant, context.DataKeys!.Primary.EncryptedKey.ToArray());
        var found = context.Database.IsNpgsql()
            ? context.Database.SqlQuery<int>(
                $"SELECT number AS \"Value\" FROM data_keys WHERE tenant = {tenant} AND encrypted_key = {key} FOR SHARE")
            : context.Database.SqlQuery<int>( // SQLite has one writer, which is this transaction
                $"SELECT number AS \"Value\" FROM data_keys WHERE tenant = {tenant} AND encrypted_key = {key}");
        return (await found.ToListAsync(cancellationToken)).Count == 1;
    }
}
