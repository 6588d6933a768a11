using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using Columns;
using Columns.Encryption;
using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Storage;
using Scalr.Byok.Kms;

namespace Reencryption.Demo;

/// <summary>
/// The people who work with the rows while they move: writers, each with rows of its own, and a reader. Both texts of a row contain its
/// number and a version, so a lost update shows.
/// </summary>
/// <param name="contexts">The contexts of the host.</param>
/// <param name="tenant">The tenant.</param>
/// <param name="options">How long they pause.</param>
internal sealed class Traffic(TenantContexts contexts, string tenant, DemoOptions options)
{
    public const int Writers = 4;
    private const int Batch = 500;

    private readonly ConcurrentQueue<string> _wrongReads = new();
    private Guid[] _ids = [];
    private int[] _versions = [];
    private HashSet<Guid> _damaged = [];
    private long _writes;
    private long _reads;

    public long Writes => Interlocked.Read(ref _writes);

    public long Reads => Interlocked.Read(ref _reads);

    public IReadOnlyList<string> WrongReads => [.. _wrongReads];

    /// <summary>Stores the rows, by plain SQL because of their number.</summary>
    public async Task FillAsync(int rows)
    {
        (_ids, _versions) = (new Guid[rows], new int[rows]);
        var columns = EncryptedColumn.Of(typeof(Variable));
        await using var context = await contexts.OpenAsync(tenant);
        foreach (var batch in Enumerable.Range(0, rows).Chunk(10 * Batch))
        {
            await using var transaction = await context.Database.BeginTransactionAsync();
            await using var command = context.Database.GetDbConnection().CreateCommand();
            command.Transaction = transaction.GetDbTransaction();
            command.CommandText = """
                INSERT INTO variables (id, tenant, is_sensitive, workspace, name, value)
                VALUES (@id, @tenant, TRUE, 'workspace', @name, @value)
                """;
            foreach (var name in (string[])["@id", "@tenant", "@name", "@value"])
            {
                var parameter = command.CreateParameter();
                (parameter.ParameterName, parameter.Value) = (name, tenant);
                command.Parameters.Add(parameter);
            }

            foreach (var number in batch)
            {
                var id = Guid.CreateVersion7();
                _ids[number] = id;
                command.Parameters["@id"].Value = id;
                command.Parameters["@name"].Value = context.DataKeys!.EncryptText(Text(number, 0), columns[0].Place(id));
                command.Parameters["@value"].Value = context.DataKeys!.EncryptText(Text(number, 0), columns[1].Place(id));
                await command.ExecuteNonQueryAsync();
            }

            await transaction.CommitAsync();
        }
    }

    /// <summary>The name of the data key of the first row, as a count has it.</summary>
    public async Task<string> FindKeyAsync(DbContextOptions<HostContext> database)
    {
        await using var context = new HostContext(database, tenant);
        var value = await context.Variables.Where(row => row.Id == _ids[0])
            .Select(row => EF.Property<byte[]>(row, "ValueEncrypted")).SingleAsync();
        return $"data key {Convert.ToHexStringLower(value, 1, 7)}"; // its id follows the version of the format
    }

    /// <summary>Damages the value of rows, evenly spread. Neither the writers nor the reader use these rows.</summary>
    public async Task<IReadOnlyCollection<Guid>> DamageAsync(int rows, DbContextOptions<HostContext> database)
    {
        _damaged = [.. Enumerable.Range(0, rows).Select(number => _ids[number * (_ids.Length / rows)])];
        await using var context = new HostContext(database, tenant);
        foreach (var id in _damaged)
        {
            var row = context.Variables.Where(row => row.Id == id);
            var bytes = await row.Select(row => EF.Property<byte[]>(row, "ValueEncrypted")).SingleAsync();
            bytes[^1] ^= 1;
            await row.ExecuteUpdateAsync(set => set.SetProperty(row => EF.Property<byte[]>(row, "ValueEncrypted"), bytes));
        }

        return _damaged;
    }

    /// <summary>Starts the writers and the reader. They work until the token is cancelled.</summary>
    public Task WorkAsync(CancellationToken stop) => Task.WhenAll(
        Enumerable.Range(0, Writers).Select(writer => Task.Run(() => WriteAsync(writer, stop), CancellationToken.None))
            .Append(Task.Run(() => ReadAsync(stop), CancellationToken.None)));

    /// <summary>Reads all rows.</summary>
    /// <returns>The number of rows that do not have what was written last.</returns>
    public async Task<int> CountLostUpdatesAsync()
    {
        var right = 0;
        await ReadAllAsync((number, version) => right += version == _versions[number] ? 1 : 0, CancellationToken.None);
        return _ids.Length - _damaged.Count - right;
    }

    private static string Text(int number, int version) =>
        string.Create(CultureInfo.InvariantCulture, $"correct horse battery staple {number} {version}");

    /// <summary>Changes one row after the other, with a short pause, as requests of a web host do.</summary>
    private async Task WriteAsync(int writer, CancellationToken stop)
    {
        var dice = new Random(writer);
        while (!stop.IsCancellationRequested)
        {
            var number = (dice.Next(_ids.Length / Writers) * Writers) + writer;
            if (!_damaged.Contains(_ids[number]) && await TryAsync(() => WriteAsync(number), stop))
            {
                Interlocked.Increment(ref _writes);
            }

            await PauseAsync((int)options.WritePause.TotalMilliseconds, stop);
        }
    }

    private async Task WriteAsync(int number)
    {
        await using var context = await contexts.OpenAsync(tenant);
        var row = await context.Variables.SingleAsync(row => row.Id == _ids[number]);
        var version = _versions[number] + 1;
        row.Name = row.Value = Text(number, version);
        await context.SaveChangesAsync();
        Volatile.Write(ref _versions[number], version);
    }

    private async Task ReadAsync(CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            await ReadAllAsync((_, _) => Interlocked.Increment(ref _reads), stop);
        }
    }

    /// <summary>Reads all rows, page by page.</summary>
    private async Task ReadAllAsync(Action<int, int> onRow, CancellationToken stop)
    {
        for (var (after, isAtEnd) = (Guid.Empty, false); !isAtEnd && !stop.IsCancellationRequested;)
        {
            var start = Stopwatch.GetTimestamp();
            await TryAsync(
                async () =>
                {
                    var written = (int[])_versions.Clone();
                    await using var context = await contexts.OpenAsync(tenant);
                    var page = await context.Variables.AsNoTracking().Where(row => row.Id > after && !_damaged.Contains(row.Id))
                        .OrderBy(row => row.Id).Take(Batch).ToListAsync(CancellationToken.None);
                    foreach (var row in page)
                    {
                        var parts = row.Name.Split(' ');
                        var number = int.Parse(parts[^2], CultureInfo.InvariantCulture);
                        var version = int.Parse(parts[^1], CultureInfo.InvariantCulture);
                        var isWhole = row.Name == Text(number, version) && row.Value == row.Name && row.Id == _ids[number];
                        if (!isWhole || version < written[number])
                        {
                            _wrongReads.Enqueue($"Row {number} has version {version}; version {written[number]} was stored before.");
                        }

                        onRow(number, version);
                    }

                    (after, isAtEnd) = (page.Count > 0 ? page[^1].Id : after, page.Count == 0);
                },
                stop);
            if (stop.CanBeCanceled)
            {
                await PauseAsync(options.ReadPause * (int)Stopwatch.GetElapsedTime(start).TotalMilliseconds, stop);
            }
        }
    }

    /// <summary>Does something that the customer's key, AWS or a busy SQLite can keep from being done for a while.</summary>
    private async Task<bool> TryAsync(Func<Task> work, CancellationToken stop)
    {
        try
        {
            await work();
            return true;
        }
        catch (Exception e) when (e is ByokKeyUnavailableException or ByokServiceException { IsTransient: true } || IsBusy(e))
        {
            await PauseAsync(100, stop);
        }
        catch (ByokDecryptionException e)
        {
            _wrongReads.Enqueue(e.Message);
            await PauseAsync(100, stop);
        }

        return false;
    }

    /// <summary>SQLite has one writer at a time, and gives up after 30 seconds.</summary>
    private static bool IsBusy(Exception e) => (e.InnerException ?? e) is SqliteException { SqliteErrorCode: 5 };

    private static async Task PauseAsync(int milliseconds, CancellationToken stop) =>
        await Task.Delay(milliseconds, stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
}
