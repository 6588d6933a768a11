using System.Data.Common;
using System.Diagnostics;
using Columns;
using Columns.Encryption;
using LocalAws;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Storage;
using Microsoft.Extensions.DependencyInjection;
using Scalr.Byok.Kms;
using Database = Columns.Database;

namespace Reencryption.Demo;

/// <summary>
/// Measures a run against a loop by hand that reads, decrypts, encrypts and writes the same number of values in the same database, in
/// batches of the same size. Neither has traffic beside it. The run also decrypts each new value to verify it, and counts all values at its
/// end.
/// </summary>
internal static class Comparison
{
    private const string Tenant = "acme";
    private const int Rounds = 7;
    private const int Batch = 500;

    /// <param name="postgres">The PostgreSQL server; null: SQLite.</param>
    /// <param name="rows">The number of values that each side moves in a round.</param>
    public static async Task RunAsync(string? postgres, int rows)
    {
        await using var aws = await LocalAwsServer.StartAsync();
        await using var database = await Database.CreateAsync(postgres);
        var services = new ServiceCollection();
        services.AddScalrByok(byok => byok.Endpoints.Kms[ByokEndpoints.AnyRegion] = aws.Endpoint)
            .AddColumns(database.Options, new EphemeralDataProtectionProvider());
        await using var host = services.BuildServiceProvider();
        var settings = new Customer(aws, "111122223333").Settings();
        await ((CustomerStore)host.GetRequiredService<IByokKeySettingsStore>()).SetAsync(Tenant, settings);
        var contexts = host.GetRequiredService<TenantContexts>();
        await new Traffic(contexts, Tenant, new DemoOptions()).FillAsync(rows);
        var change = host.GetRequiredService<DataKeyChange>();
        var columns = EncryptedColumn.Of(typeof(Variable));
        List<double> ratios = [];
        List<double> cpuRatios = [];
        for (var round = 0; round <= Rounds; round++)
        {
            await change.AddAsync(Tenant);
            var name = columns[round % 2];
            var value = columns[1 - (round % 2)];
            aws.Log.Clear();
            var byHand = await MeasureAsync(() => MoveByHandAsync(database.Options, contexts, name));
            var heap = GC.GetTotalMemory(forceFullCollection: true);
            var most = 0L;
            var library = await MeasureAsync(async () =>
            {
                var keys = change.Keys(Tenant);
                await foreach (var progress in ByokReencryption.RunAsync(
                    change.Sources(Tenant)[value.Name], keys, keys, new() { MaxDegreeOfParallelism = 2 }))
                {
                    most = Math.Max(most, GC.GetTotalMemory(forceFullCollection: false) - heap);
                }
            });
            await change.DropOldAsync(Tenant);
            if (round > 0) // the first one is for the JIT compiler
            {
                ratios.Add(byHand.Seconds / library.Seconds);
                cpuRatios.Add(byHand.Cpu / library.Cpu);
                Console.WriteLine(
                    $"by hand {rows / byHand.Seconds:N0}/s, library {rows / library.Seconds:N0}/s, ratio {ratios[^1]:0.00}; "
                    + $"by processor time {rows / byHand.Cpu:N0}/s, {rows / library.Cpu:N0}/s, {cpuRatios[^1]:0.00}; "
                    + $"heap at most {most / 1e6:N0} MB more");
            }
        }

        var (median, cpuMedian) = (ratios.Order().ElementAt(Rounds / 2), cpuRatios.Order().ElementAt(Rounds / 2));
        Console.WriteLine($"median ratio {median:0.00}, by processor time {cpuMedian:0.00}");
    }

    /// <summary>The time, and the processor time of this process, which other processes on the machine do not change.</summary>
    private static async Task<(double Seconds, double Cpu)> MeasureAsync(Func<Task> work)
    {
        var (start, cpu) = (Stopwatch.GetTimestamp(), Environment.CpuUsage.TotalTime);
        await work();
        return (Stopwatch.GetElapsedTime(start).TotalSeconds, (Environment.CpuUsage.TotalTime - cpu).TotalSeconds);
    }

    /// <summary>Plain SQL, one command for all rows of a batch, one transaction for each batch.</summary>
    private static async Task MoveByHandAsync(DbContextOptions<HostContext> database, TenantContexts contexts, EncryptedColumn column)
    {
        using var keys = await contexts.OpenDataKeysAsync(Tenant);
        await using var context = new HostContext(database, Tenant);
        await context.Database.OpenConnectionAsync();
        var name = column.Name.Split('.')[1];
        await using var select = Command(
            context,
            $"SELECT id, {name} FROM variables WHERE tenant = @tenant AND id > @after ORDER BY id LIMIT {Batch}",
            "@tenant",
            "@after");
        await using var update = Command(
            context, $"UPDATE variables SET {name} = @new WHERE id = @id AND {name} = @old", "@new", "@id", "@old");
        select.Parameters["@tenant"].Value = Tenant;
        for (var after = Guid.Empty; ;)
        {
            select.Parameters["@after"].Value = after;
            List<(Guid Id, byte[] Bytes)> page = [];
            await using (var reader = await select.ExecuteReaderAsync())
            {
                while (await reader.ReadAsync())
                {
                    page.Add((reader.GetGuid(0), await reader.GetFieldValueAsync<byte[]>(1)));
                }
            }

            if (page.Count == 0)
            {
                return;
            }

            await using var transaction = await context.Database.BeginTransactionAsync();
            update.Transaction = transaction.GetDbTransaction();
            foreach (var (id, bytes) in page)
            {
                update.Parameters["@id"].Value = id;
                update.Parameters["@old"].Value = bytes;
                update.Parameters["@new"].Value = keys.Encrypt(keys.Decrypt(bytes, column.Place(id)), column.Place(id));
                await update.ExecuteNonQueryAsync();
            }

            await transaction.CommitAsync();
            after = page[^1].Id;
        }
    }

    private static DbCommand Command(HostContext context, string sql, params string[] parameters)
    {
        var command = context.Database.GetDbConnection().CreateCommand();
        command.CommandText = sql;
        foreach (var name in parameters)
        {
            var parameter = command.CreateParameter();
            (parameter.ParameterName, parameter.Value) = (name, DBNull.Value);
            command.Parameters.Add(parameter);
        }

        return command;
    }
}
