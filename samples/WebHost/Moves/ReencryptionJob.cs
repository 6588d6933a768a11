using System.Data.Common;
using Columns;
using Microsoft.EntityFrameworkCore;
using Scalr.Byok.Kms;
using WebHost.Accounts;
using WebHost.Data;
using WebHost.Files;

namespace WebHost.Moves;

/// <summary>
/// Moves the data of accounts whose key has changed, in the background. It can be killed at any moment and resumes at the stored
/// checkpoint. Several processes may run it: they do the same work twice, without damage.
/// </summary>
/// <param name="accounts">The accounts.</param>
/// <param name="store">How far each move is.</param>
/// <param name="data">Drops key rings of old settings.</param>
/// <param name="rings">The key rings.</param>
/// <param name="change">Data keys and encrypted columns (samples/Columns).</param>
/// <param name="options">The host's database.</param>
/// <param name="retirement">Removes old data keys.</param>
/// <param name="files">The files.</param>
/// <param name="settings">How moves run.</param>
/// <param name="logger">The log.</param>
public sealed partial class ReencryptionJob(
    AccountStore accounts,
    MoveStore store,
    TenantData data,
    IByokKeyRingProvider rings,
    DataKeyChange change,
    DbContextOptions<HostContext> options,
    DataKeyRetirement retirement,
    FileStore files,
    MoveOptions settings,
    ILogger<ReencryptionJob> logger) : BackgroundService
{
    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(settings.PollInterval);
        do
        {
            try
            {
                var all = await accounts.ListAsync(stoppingToken);
                all.FindAll(account => account.Phase == AccountPhase.DataKeyDeleted)
                    .ForEach(account => files.DeleteContents(account.Tenant));
                var moving = all.Where(account => account.Phase.IsMove());
                var lanes = new ParallelOptions { MaxDegreeOfParallelism = settings.AccountsAtOnce, CancellationToken = stoppingToken };
                await Parallel.ForEachAsync(moving, lanes, async (account, stop) => await TakeTurnAsync(account, stop));
            }
            catch (Exception e) when (e is DbException or IOException)
            {
                LogFailure(e, "all accounts"); // the database or the disk is away
            }
        }
        while (await timer.WaitForNextTickAsync(stoppingToken));
    }

    private async Task TakeTurnAsync(Account account, CancellationToken stop)
    {
        // A run ends when the account changes, for example when the customer gives other credentials during a pause.
        using var turn = CancellationTokenSource.CreateLinkedTokenSource(stop);
        var watch = WatchAsync(account, turn);
        try
        {
            await MoveAsync(account, turn.Token);
        }
        catch (OperationCanceledException) when (turn.IsCancellationRequested && !stop.IsCancellationRequested)
        {
            // The next turn reads the account again.
        }
        catch (ByokException e)
        {
            await store.PauseAsync(account.MoveId!.Value, PauseOf(e), stop);
        }
        catch (Exception e) when (
            e is DbException or DbUpdateException or IOException or InvalidOperationException or DataKeyDeletedException)
        {
            LogFailure(e, account.Tenant); // the next turn tries again
        }
        finally
        {
            await turn.CancelAsync();
            await watch;
        }
    }

    private async Task WatchAsync(Account account, CancellationTokenSource turn)
    {
        try
        {
            using var timer = new PeriodicTimer(settings.PollInterval);
            while (await timer.WaitForNextTickAsync(turn.Token))
            {
                if ((await accounts.GetAsync(account.Tenant, turn.Token)).Version != account.Version)
                {
                    await turn.CancelAsync();
                }
            }
        }
        catch (Exception e) when (e is OperationCanceledException or DbException)
        {
            // The turn has ended, or the database is away, which ends the turn too.
        }
    }

    private async Task MoveAsync(Account account, CancellationToken stop)
    {
        var (tenant, id) = (account.Tenant, account.MoveId!.Value);
        await data.RefreshAsync(tenant, stop);
        var ring = await rings.GetKeyRingAsync(tenant, stop);
        var stored = await new DataKeyStore(options, tenant).ListAsync(stop);
        if (stored.Count == 0 || ring.NeedsReencryption(stored[0].EncryptedKey))
        {
            await change.AddAsync(tenant, stop); // under the key that all data moves to
        }

        var isFinished = true;
        var sources = change.Sources(tenant);
        foreach (var (name, source) in sources)
        {
            await store.BeginAsync(id, name, ((ICountedReencryptionSource)source).CountItemsAsync, stop); // for the progress
        }

        foreach (var (name, source) in sources)
        {
            isFinished &= await MoveAsync(tenant, id, name, source, stop);
        }

        isFinished &= await MoveFilesAsync(tenant, id, ring, stop);
        if (!isFinished)
        {
            return; // the next turn goes on
        }

        if (await retirement.TryAsync(tenant, stop))
        {
            await accounts.ChangeAsync(tenant, account.Version, AccountAction.FinishMove, stop);
            LogFinished(tenant);
        }
        else
        {
            await store.RepeatAsync(id, stop); // a request has written under an older data key after its part was moved
        }
    }

    private async Task<bool> MoveAsync(
        string tenant, Guid id, string name, IReencryptionSource<Guid> source, CancellationToken stop)
    {
        var move = await store.BeginAsync(id, name, ((ICountedReencryptionSource)source).CountItemsAsync, stop);
        if (move.IsFinished)
        {
            return true;
        }

        var (keys, before) = (change.Keys(tenant), move.Processed);
        var run = new ReencryptionOptions
        {
            Checkpoint = move.Checkpoint,
            BatchSize = settings.BatchSize,
            MaxDegreeOfParallelism = settings.MaxDegreeOfParallelism,
            MaxItemsPerSecond = settings.MaxItemsPerSecond,
            MaxRetryDelay = settings.MaxRetryDelay,
        };
        await foreach (var progress in ByokReencryption.RunAsync(source, from: keys, to: keys, run, stop))
        {
            move.Checkpoint = progress.Checkpoint ?? move.Checkpoint;
            move.Processed = before + progress.Seen;
            move.Rate = progress.ItemsPerSecond;
            move.Quarantined += progress.NewlyQuarantined.Count;
            move.Pause = progress.Pause is { } pause ? PauseOf(pause.Cause) : null;
            if (progress.Count is { } count)
            {
                // Values may have been written behind the checkpoint. They wait for the next pass.
                move.IsFinished = count.Remaining == 0;
                move.Checkpoint = null;
                move.Processed = move.IsFinished ? move.Processed : 0;
                move.Pause = move.IsFinished || move.Quarantined == 0
                    ? null
                    : $"{move.Quarantined:N0} values cannot be moved. The operator of this service has to look at them.";
                move.Quarantined = move.IsFinished ? 0 : move.Quarantined;
            }

            await store.SaveAsync(move, stop);
            foreach (var item in progress.NewlyQuarantined)
            {
                LogQuarantined(tenant, name, item.Key, item.Reason);
            }
        }

        return move.IsFinished;
    }

    private async Task<bool> MoveFilesAsync(string tenant, Guid id, IByokKeyRing ring, CancellationToken stop)
    {
        var all = await files.ListAsync(tenant, stop);
        var move = await store.BeginAsync(id, "files", (_, _) => new(all.Count), stop);
        if (move.IsFinished)
        {
            return true;
        }

        move.Processed = 0;
        foreach (var file in all) // a file that has moved costs the reading of its header
        {
            await files.MoveAsync(file, ring, stop);
            move.Processed++;
            await store.SaveAsync(move, stop);
        }

        await files.DeleteLeftoversAsync(tenant, stop);
        (move.IsFinished, move.Pause) = (true, null);
        await store.SaveAsync(move, stop);
        return true;
    }

    private static string PauseOf(ByokException cause) => cause switch
    {
        ByokKeyUnavailableException e => e.Message, // with the remedy
        ByokDecryptionException => "Stored data was changed and cannot be moved. The operator of this service has to look at it.",
        _ => "AWS does not answer. The move goes on by itself when AWS answers again.",
    };

    [LoggerMessage(1, LogLevel.Information, "All data of {Tenant} has moved")]
    private partial void LogFinished(string tenant);

    [LoggerMessage(2, LogLevel.Error, "The move of {Tenant} failed and will be tried again")]
    private partial void LogFailure(Exception exception, string tenant);

    [LoggerMessage(3, LogLevel.Error, "{Tenant} {Source}: {Key} cannot be moved: {Reason}")]
    private partial void LogQuarantined(string tenant, string source, string key, ReencryptionQuarantineReason reason);
}
