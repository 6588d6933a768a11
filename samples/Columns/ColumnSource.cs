using System.Data.Common;
using Columns.Encryption;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata;
using Microsoft.EntityFrameworkCore.Storage;
using Scalr.Byok.Kms;

namespace Columns;

/// <summary>
/// One encrypted column of one tenant, for <see cref="ByokReencryption"/>. Such a column contains values of data keys only, so the form of
/// an item needs no marker.
/// </summary>
/// <typeparam name="T">The entity.</typeparam>
/// <param name="options">The host's database.</param>
/// <param name="tenant">The tenant.</param>
/// <param name="column">The column.</param>
public sealed class ColumnSource<T>(DbContextOptions<HostContext> options, string tenant, EncryptedColumn column)
    : IReencryptionSource<Guid>, ICountedReencryptionSource
    where T : TenantRow
{
    /// <inheritdoc/>
    public async ValueTask<IReadOnlyList<ReencryptionItem<Guid>>> ReadPageAsync(
        ReencryptionPage page, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(page);
        await using var context = new HostContext(options, tenant);
        var rows = await After(context, page.After).OrderBy(row => row.Id).Take(page.MaxItems)
            .Select(row => new { row.Id, Value = EF.Property<byte[]?>(row, column.Stored) }).ToListAsync(cancellationToken);
        return rows.ConvertAll(row => new ReencryptionItem<Guid>
        {
            Id = row.Id,
            Key = row.Id.ToString(),
            Form = ReencryptionForm.Value,
            Bytes = row.Value,
            Place = column.Place(row.Id),
        });
    }

    /// <inheritdoc/>
    /// <remarks>One transaction. What a request has written meanwhile stays.</remarks>
    public async ValueTask<int> ReplaceAsync(
        IReadOnlyList<ReencryptionReplacement<Guid>> replacements, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(replacements);
        await using var context = new HostContext(options, tenant);
        await using var transaction = await context.Database.BeginTransactionAsync(cancellationToken);
        await using var command = Update(context);
        command.Transaction = transaction.GetDbTransaction();
        var replaced = 0;
        var (id, old, encrypted) = (command.Parameters["@id"], command.Parameters["@old"], command.Parameters["@new"]);
        foreach (var replacement in replacements)
        {
            id.Value = replacement.Old.Id;
            old.Value = replacement.Old.Bytes.ToArray();
            encrypted.Value = replacement.Bytes.ToArray();
            replaced += await command.ExecuteNonQueryAsync(cancellationToken);
        }

        await transaction.CommitAsync(cancellationToken);
        return replaced;
    }

    /// <inheritdoc/>
    public async ValueTask<long> CountItemsAsync(string? after, CancellationToken cancellationToken)
    {
        await using var context = new HostContext(options, tenant);
        return await After(context, after).LongCountAsync(cancellationToken);
    }

    /// <summary>The update of a row. One command serves all rows; ExecuteUpdate would translate its query for each row.</summary>
    private DbCommand Update(HostContext context)
    {
        var entity = context.Model.FindEntityType(typeof(T))!;
        var table = StoreObjectIdentifier.Create(entity, StoreObjectType.Table)!.Value;
        var (value, id, owner) = (NameOf(column.Stored), NameOf(nameof(TenantRow.Id)), NameOf(nameof(TenantRow.Tenant)));
        var command = context.Database.GetDbConnection().CreateCommand();
        command.CommandText = $"UPDATE {table.Name} SET {value} = @new WHERE {id} = @id AND {owner} = @tenant AND {value} = @old";
        foreach (var name in (string[])["@id", "@old", "@new", "@tenant"])
        {
            var parameter = command.CreateParameter();
            (parameter.ParameterName, parameter.Value) = (name, tenant);
            command.Parameters.Add(parameter);
        }

        return command;

        string NameOf(string property) => entity.FindProperty(property)!.GetColumnName(table)!;
    }

    private IQueryable<T> After(HostContext context, string? key)
    {
        var last = key is null ? Guid.Empty : Guid.Parse(key);
        return context.Set<T>().Where(row => row.Id > last && EF.Property<byte[]?>(row, column.Stored) != null);
    }
}
