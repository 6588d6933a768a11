using System.Data.Common;
using Columns.Encryption;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Metadata;
using Microsoft.EntityFrameworkCore.Storage;
using Scalr.Byok.Kms;

namespace Columns;

/// <summary>
/// One encrypted column of one tenant, for <see cref="ByokReencryption"/>. Such a column contains values of data keys only, so the form of
/// an item needs no marker.
/// </summary>
/// <remarks>
/// Reads and writes by plain SQL, which costs half as much as EF Core does for so many rows. EF Core's query filter does not apply to it,
/// so each command has the condition for the tenant.
/// </remarks>
/// <typeparam name="T">The entity.</typeparam>
/// <param name="options">The host's database.</param>
/// <param name="tenant">The tenant.</param>
/// <param name="column">The column.</param>
public sealed class ColumnSource<T>(DbContextOptions<HostContext> options, string tenant, EncryptedColumn column)
    : IReencryptionSource<Guid>, ICountedReencryptionSource
    where T : TenantRow
{
    // SQLite has one writer at a time: a second one would sleep and try again, 150 ms later.
    private static readonly SemaphoreSlim SqliteWriter = new(1);

    /// <inheritdoc/>
    public async ValueTask<IReadOnlyList<ReencryptionItem<Guid>>> ReadPageAsync(
        ReencryptionPage page, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(page);
        await using var context = new HostContext(options, tenant);
        var (table, key, owner, value) = Names(context);
        await using var command = Command(
            context,
            $"SELECT {key}, {value} FROM {table} WHERE {owner} = @tenant AND {key} > @after AND {value} IS NOT NULL "
            + $"ORDER BY {key} LIMIT @most",
            ("@after", Parse(page.After)),
            ("@most", page.MaxItems));
        await context.Database.OpenConnectionAsync(cancellationToken);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        List<ReencryptionItem<Guid>> items = [];
        while (await reader.ReadAsync(cancellationToken))
        {
            var id = reader.GetGuid(0);
            items.Add(new()
            {
                Id = id,
                Key = id.ToString(),
                Form = ReencryptionForm.Value,
                Bytes = reader.GetFieldValue<byte[]>(1),
                Place = column.Place(id),
            });
        }

        return items;
    }

    /// <inheritdoc/>
    /// <remarks>One transaction. What a request has written meanwhile stays.</remarks>
    public async ValueTask<int> ReplaceAsync(
        IReadOnlyList<ReencryptionReplacement<Guid>> replacements, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(replacements);
        await using var context = new HostContext(options, tenant);
        if (!context.Database.IsSqlite())
        {
            return await ReplaceAsync(context, replacements, cancellationToken);
        }

        await SqliteWriter.WaitAsync(cancellationToken);
        try
        {
            return await ReplaceAsync(context, replacements, cancellationToken);
        }
        finally
        {
            SqliteWriter.Release();
        }
    }

    /// <inheritdoc/>
    public async ValueTask<long> CountItemsAsync(string? after, CancellationToken cancellationToken)
    {
        await using var context = new HostContext(options, tenant);
        var last = Parse(after);
        return await context.Set<T>().LongCountAsync(
            row => row.Id > last && EF.Property<byte[]?>(row, column.Stored) != null, cancellationToken);
    }

    private static Guid Parse(string? key) => key is null ? Guid.Empty : Guid.Parse(key);

    private async Task<int> ReplaceAsync(
        HostContext context, IReadOnlyList<ReencryptionReplacement<Guid>> replacements, CancellationToken cancellationToken)
    {
        await using var transaction = await context.Database.BeginTransactionAsync(cancellationToken);
        var (table, key, owner, value) = Names(context);
        await using var command = Command(
            context,
            $"UPDATE {table} SET {value} = @new WHERE {key} = @id AND {owner} = @tenant AND {value} = @old",
            ("@id", null),
            ("@old", null),
            ("@new", null));
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

    /// <summary>A command that serves all rows of a page. Its parameter <c>@tenant</c> is set.</summary>
    private DbCommand Command(HostContext context, string sql, params ReadOnlySpan<(string Name, object? Value)> parameters)
    {
        var command = context.Database.GetDbConnection().CreateCommand();
        command.CommandText = sql;
        foreach (var (name, value) in (ReadOnlySpan<(string, object?)>)[("@tenant", tenant), .. parameters])
        {
            var parameter = command.CreateParameter();
            (parameter.ParameterName, parameter.Value) = (name, value);
            command.Parameters.Add(parameter);
        }

        return command;
    }

    /// <summary>The names in the database, quoted.</summary>
    private (string Table, string Key, string Owner, string Value) Names(HostContext context)
    {
        var entity = context.Model.FindEntityType(typeof(T))!;
        var table = StoreObjectIdentifier.Create(entity, StoreObjectType.Table)!.Value;
        var sql = context.GetService<ISqlGenerationHelper>();
        return (
            sql.DelimitIdentifier(table.Name, table.Schema),
            NameOf(nameof(TenantRow.Id)),
            NameOf(nameof(TenantRow.Tenant)),
            NameOf(column.Stored));

        string NameOf(string property) => sql.DelimitIdentifier(entity.FindProperty(property)!.GetColumnName(table)!);
    }
}
