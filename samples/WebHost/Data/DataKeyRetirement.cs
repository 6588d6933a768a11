using Columns;
using Microsoft.EntityFrameworkCore;
using Scalr.Byok.Kms;

namespace WebHost.Data;

/// <summary>Removes data keys that no value needs any more.</summary>
/// <param name="options">The host's database.</param>
/// <param name="change">The encrypted columns.</param>
public sealed class DataKeyRetirement(DbContextOptions<HostContext> options, DataKeyChange change)
{
    /// <summary>Removes all data keys but the newest, if a count proves that no value is under another one.</summary>
    /// <remarks>
    /// The deletion waits for writers that have locked an older data key (<see cref="TenantData"/>), and later writers find that key
    /// missing. So the count afterwards sees every value that was written under it.
    /// </remarks>
    /// <returns>False if values are under an older data key; nothing was removed.</returns>
    public async Task<bool> TryAsync(string tenant, CancellationToken cancellationToken)
    {
        await using var context = new HostContext(options, tenant);
        await using var transaction = await context.Database.BeginTransactionAsync(cancellationToken);
        var newest = await context.StoredDataKeys.Where(key => key.Tenant == tenant).MaxAsync(key => key.Number, cancellationToken);
        await context.StoredDataKeys.Where(key => key.Tenant == tenant && key.Number < newest).ExecuteDeleteAsync(cancellationToken);
        foreach (var source in change.Sources(tenant).Values)
        {
            var count = await ByokReencryption.CountAsync(source, change.Keys(tenant), cancellationToken: cancellationToken);
            if (count.Remaining > 0)
            {
                return false;
            }
        }

        await transaction.CommitAsync(cancellationToken);
        return true;
    }
}
