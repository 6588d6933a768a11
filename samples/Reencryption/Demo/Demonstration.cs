using System.Diagnostics;
using System.Globalization;
using Columns;
using LocalAws;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Storage;
using Microsoft.Extensions.DependencyInjection;
using Scalr.Byok.Kms;
using Database = Columns.Database;

namespace Reencryption.Demo;

/// <summary>
/// A customer changes the key, and all values move to a new data key under it, while writers and a reader go on and the processes that run
/// the moves are killed.
/// </summary>
public sealed class Demonstration : IAsyncDisposable
{
    private const string Tenant = "acme";
    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(50);

    private readonly DemoOptions _options;
    private readonly LocalAwsServer _aws;
    private readonly Database _database;
    private readonly DirectoryInfo _keys;
    private readonly ServiceProvider _host;
    private readonly Customer _customer;
    private readonly MoveStore _store;
    private readonly Traffic _traffic;

    private Demonstration(DemoOptions options, LocalAwsServer aws, Database database)
    {
        (_options, _aws, _database) = (options, aws, database);
        _keys = Directory.CreateTempSubdirectory("reencryption-keys-");
        _customer = new Customer(aws, "111122223333");
        _store = new MoveStore(Database.OptionsOf<MoveContext>(database.ConnectionString));
        var services = new ServiceCollection();
        services.AddScalrByok(byok =>
        {
            byok.Endpoints.Kms[ByokEndpoints.AnyRegion] = byok.Endpoints.Sts[ByokEndpoints.AnyRegion] = aws.Endpoint;
        }).AddColumns(database.Options, DataProtectionProvider.Create(_keys));
        _host = services.BuildServiceProvider();
        _traffic = new Traffic(Get<TenantContexts>(), Tenant, options);
    }

    private DataKeyChange Change => Get<DataKeyChange>();

    /// <summary>Runs the demonstration.</summary>
    /// <exception cref="InvalidOperationException">
    /// The moves did not end, or a process ended by itself. The message has its output.
    /// </exception>
    public static async Task<DemoResult> RunAsync(DemoOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (options.Way == Way.Quartz && options.Postgres is null)
        {
            throw new ArgumentException(
                "Clustered Quartz.NET needs PostgreSQL: set BYOK_POSTGRES to the connection string of a server.", nameof(options));
        }

        await using var demonstration = new Demonstration(
            options, await LocalAwsServer.StartAsync(), await Database.CreateAsync(options.Postgres));
        return await demonstration.RunAsync();
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _host.DisposeAsync();
        await _database.DisposeAsync();
        await _aws.DisposeAsync();
        _keys.Delete(recursive: true);
    }

    private async Task<DemoResult> RunAsync()
    {
        await using (var context = new MoveContext(Database.OptionsOf<MoveContext>(_database.ConnectionString)))
        {
            await context.GetService<IRelationalDatabaseCreator>().CreateTablesAsync();
        }

        await SetSettingsAsync(_customer.Settings());
        Say($"{_options.Rows:N0} rows with {2 * _options.Rows:N0} values are written under the customer's key");
        await _traffic.FillAsync(_options.Rows);
        var damaged = _options.DamagedRows > 0 ? await _traffic.DamageAsync(_options.DamagedRows, _database.Options) : [];

        Say("The customer changes the key. New values are under a new data key");
        var oldKey = _customer.ChangeKey();
        await SetSettingsAsync(_customer.Settings(oldKey));
        await Change.AddAsync(Tenant);
        var oldDataKey = await _traffic.FindKeyAsync(_database.Options);
        foreach (var column in Change.Sources(Tenant).Keys)
        {
            await _store.RequestAsync(Tenant, column);
        }

        Say($"{Traffic.Writers} writers and a reader work. {_options.Runners} process(es) move the values: {_options.Way}");
        var start = Stopwatch.GetTimestamp();
        var (encrypt, decrypt) = (_aws.Log.Count("Encrypt"), _aws.Log.Count("Decrypt"));
        using var stop = new CancellationTokenSource();
        var traffic = _traffic.WorkAsync(stop.Token);
        int kills;
        string? pause;
        if (_options.Throttled > 0)
        {
            _aws.Faults.Add(Fault.Error("ThrottlingException") with { Service = "kms", Probability = _options.Throttled });
        }

        try
        {
            (kills, pause) = await MoveAsync(traffic);
        }
        finally
        {
            await stop.CancelAsync();
        }

        await traffic;
        var time = Stopwatch.GetElapsedTime(start);
        var calls = (_aws.Log.Count("Encrypt") - encrypt, _aws.Log.Count("Decrypt") - decrypt);
        _aws.Faults.Clear();

        Say("Another process counts the values by their keys, and reads all rows");
        var counts = await CountAsync();
        if (counts.Values.All(count => count.Remaining == 0))
        {
            await Change.DropOldAsync(Tenant);
            await SetSettingsAsync(_customer.Settings());
            oldKey.Disable(); // nothing needs it any more
        }

        return new DemoResult
        {
            Moves = await _store.ListAsync(),
            Counts = counts,
            OldKey = oldDataKey,
            Quarantined = await _store.ListQuarantinedAsync(),
            Damaged = damaged,
            Kills = kills,
            Pause = pause,
            LostUpdates = await _traffic.CountLostUpdatesAsync(),
            Writes = _traffic.Writes,
            Reads = _traffic.Reads,
            WrongReads = _traffic.WrongReads,
            KmsCalls = calls,
            Time = time,
        };
    }

    /// <summary>Runs the processes until all moves are at their end, and kills them meanwhile.</summary>
    private async Task<(int Kills, string? Pause)> MoveAsync(Task traffic)
    {
        var start = Stopwatch.GetTimestamp();
        var (kills, movedBefore, reported) = (0, 0L, 0L);
        long? movesSince = null; // since when the processes have moved something after the last kill
        var (isDisabled, pause) = (false, (string?)null);
        var runners = Enumerable.Range(0, _options.Runners)
            .Select(runner => new RunnerProcess(_database.ConnectionString, RunnerArguments(runner))).ToList();
        try
        {
            while (await _store.ListAsync() is var moves
                && moves.Exists(move => move.Status is not (MoveStatus.Finished or MoveStatus.NeedsAttention)))
            {
                if (runners.Find(runner => runner.HasExited) is { } ended)
                {
                    throw new InvalidOperationException($"A process that runs moves has ended by itself:\n{ended.Output}");
                }

                if (traffic.IsCompleted)
                {
                    await traffic; // a writer or the reader has failed
                }

                if (Stopwatch.GetElapsedTime(start) > _options.Limit)
                {
                    throw new InvalidOperationException(
                        $"The moves have not ended after {_options.Limit}: {string.Join("; ", moves.Select(move => move.Report))}\n"
                        + string.Join('\n', runners.Select(runner => runner.Output)));
                }

                var moved = moves.Sum(move => move.Moved);
                if (_options.DisablesKey && pause is null)
                {
                    if (!isDisabled && moved > 0)
                    {
                        _customer.Key.Disable();
                        isDisabled = true;
                        Say($"   {moved:N0} values moved. The customer disables the key");
                    }

                    pause = moves.Find(move => move.Status == MoveStatus.KeyUnavailable)?.Report;
                    if (pause is not null)
                    {
                        Say($"   A move pauses: {pause} The customer enables the key");
                        _customer.Key.Enable();
                    }
                }

                // Only processes that have moved something are killed, so that the moves come to their end on a slow machine, too.
                movesSince = moved > movedBefore ? movesSince ?? Stopwatch.GetTimestamp() : null;
                if (_options.KillAfter is { } life && movesSince is { } since && Stopwatch.GetElapsedTime(since) >= life
                    && moved - movedBefore >= _options.KillAfterValues && kills < _options.MaxKills)
                {
                    var runner = runners[kills % runners.Count];
                    if (_options.RestartsKilled)
                    {
                        await runner.RestartAsync(RunnerArguments(kills + runners.Count));
                    }
                    else
                    {
                        await runner.KillAsync();
                        runner.Dispose();
                        runners.Remove(runner);
                    }

                    kills++;
                    (movedBefore, movesSince) = (moved, null);
                    Say($"   {moved:N0} values moved, process killed");
                }
                else if (Stopwatch.GetElapsedTime(start).TotalSeconds >= (reported + 1) * 5)
                {
                    reported = (long)Stopwatch.GetElapsedTime(start).TotalSeconds / 5;
                    Say($"   {moved:N0} values moved, {_traffic.Writes:N0} rows written and {_traffic.Reads:N0} rows read meanwhile");
                }

                await Task.Delay(Poll);
            }

            foreach (var runner in runners)
            {
                await runner.StopAsync();
            }

            return (kills, pause);
        }
        finally
        {
            runners.ForEach(runner => runner.Dispose());
        }
    }

    /// <summary>The configuration of a process that runs moves, as command-line arguments, without the database.</summary>
    /// <param name="kill">The number of kills before that of the process, if so many processes are killed.</param>
    private IEnumerable<string> RunnerArguments(int kill)
    {
        var settings = new Dictionary<string, string>
        {
            ["Way"] = _options.Way.ToString(),
            ["Keys"] = _keys.FullName,
            ["Byok:Endpoints:Kms:*"] = _aws.Endpoint.AbsoluteUri,
            ["Byok:Endpoints:Sts:*"] = _aws.Endpoint.AbsoluteUri,
            ["Moves:MaxDegreeOfParallelism"] = _options.Postgres is null ? "1" : "2",
            ["Moves:MovesAtOnce"] = _options.Postgres is null ? "1" : "4", // SQLite has one writer at a time
            ["Logging:LogLevel:Microsoft"] = "Warning",
        };
        if (_options is { KillAfter: not null, WaitAfterValues: { } values } && kill < _options.MaxKills)
        {
            settings["WaitAfterValues"] = values.ToString(CultureInfo.InvariantCulture);
        }

        foreach (var (key, value) in _options.Settings)
        {
            settings[key] = value;
        }

        return settings.Select(setting => $"--{setting.Key}={setting.Value}");
    }

    private async Task<Dictionary<string, ReencryptionCount>> CountAsync()
    {
        var counts = new Dictionary<string, ReencryptionCount>();
        foreach (var (column, source) in Change.Sources(Tenant))
        {
            counts[column] = await ByokReencryption.CountAsync(source, Change.Keys(Tenant));
        }

        return counts;
    }

    private async Task SetSettingsAsync(ByokKeySettings settings)
    {
        await ((CustomerStore)Get<IByokKeySettingsStore>()).SetAsync(Tenant, settings);
        Get<IByokKeyRingProvider>().Invalidate(Tenant); // the processes that run moves have not begun, or have ended
    }

    private T Get<T>()
        where T : notnull => _host.GetRequiredService<T>();

    private void Say(string text) => _options.Output.WriteLine(text);
}
