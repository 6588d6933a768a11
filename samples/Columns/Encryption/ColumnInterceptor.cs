using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.ChangeTracking;
using Microsoft.EntityFrameworkCore.Diagnostics;
using Scalr.Byok.Kms;

namespace Columns.Encryption;

/// <summary>
/// Decrypts the encrypted columns of each entity that is read, and encrypts those that have changed before they are saved. EF Core knows
/// only the encrypted bytes: its change tracker has no unencrypted text among its original values, and a query that compares such a text
/// does not translate.
/// </summary>
/// <remarks>One instance serves all contexts; tenant and keys come from the context.</remarks>
public sealed class ColumnInterceptor : SaveChangesInterceptor, IMaterializationInterceptor
{
    private ColumnInterceptor()
    {
    }

    /// <summary>The instance. EF Core builds its services again for each other one.</summary>
    public static ColumnInterceptor Instance { get; } = new();

    /// <inheritdoc/>
    public object InitializedInstance(MaterializationInterceptionData materializationData, object entity)
    {
        if (entity is TenantRow row)
        {
            foreach (var column in EncryptedColumn.Of(row.GetType()))
            {
                if (EncryptedColumn.IsPlain(row))
                {
                    column.Write(row, materializationData.GetPropertyValue<string?>(column.Plain!));
                }
                else if (materializationData.GetPropertyValue<byte[]?>(column.Stored) is { } stored)
                {
                    column.Write(row, Keys(materializationData.Context).DecryptText(stored, column.Place(row.Id)));
                }
            }
        }

        return entity;
    }

    /// <inheritdoc/>
    public override InterceptionResult<int> SavingChanges(DbContextEventData eventData, InterceptionResult<int> result)
    {
        ArgumentNullException.ThrowIfNull(eventData);
        Encrypt((HostContext)eventData.Context!);
        return result;
    }

    /// <inheritdoc/>
    public override ValueTask<InterceptionResult<int>> SavingChangesAsync(
        DbContextEventData eventData, InterceptionResult<int> result, CancellationToken cancellationToken = default) =>
        ValueTask.FromResult(SavingChanges(eventData, result));

    private static void Encrypt(HostContext context)
    {
        foreach (var entry in context.ChangeTracker.Entries<TenantRow>())
        {
            if (entry.State == EntityState.Added)
            {
                entry.Property(row => row.Tenant).CurrentValue = context.Tenant ?? throw NoTenant();
            }

            foreach (var column in entry.State == EntityState.Deleted ? [] : EncryptedColumn.Of(entry.Entity.GetType()))
            {
                Store(context, entry, column);
            }
        }
    }

    private static void Store(HostContext context, EntityEntry<TenantRow> entry, EncryptedColumn column)
    {
        var (text, isPlain) = (column.Read(entry.Entity), EncryptedColumn.IsPlain(entry.Entity));
        if (column.Plain is { } plain)
        {
            entry.Property<string?>(plain).CurrentValue = isPlain ? text : null;
        }

        var stored = entry.Property<byte[]?>(column.Stored);
        var place = column.Place(entry.Entity.Id);
        if (text is null || isPlain)
        {
            stored.CurrentValue = null;
        }
        else if (!IsCurrent(context, stored.CurrentValue, text, place))
        {
            stored.CurrentValue = Keys(context).EncryptText(text, place);
        }
    }

    /// <summary>
    /// Whether the bytes that were read, or encrypted by a save that failed, hold this text. Decrypting is cheap, and so no unencrypted
    /// copy is kept to compare with.
    /// </summary>
    private static bool IsCurrent(HostContext context, byte[]? stored, string text, ByokAssociatedData place) =>
        stored is not null && Keys(context).DecryptText(stored, place) == text;

    private static ByokDataKeySet Keys(DbContext? context) =>
        ((HostContext)context!).DataKeys ?? throw NoTenant();

    private static InvalidOperationException NoTenant() =>
        new($"Tenants' rows need a context of {nameof(TenantContexts)}.{nameof(TenantContexts.OpenAsync)}.");
}
