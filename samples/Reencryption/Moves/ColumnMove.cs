using System.Diagnostics;
using Columns;
using Microsoft.Extensions.Logging;
using Scalr.Byok.Kms;

namespace Reencryption;

/// <summary>Gives a move its turn: what the hosted service, the job of Quartz.NET, or the job of any other engine calls.</summary>
/// <param name="change">The encrypted columns and data keys of the tenants.</param>
/// <param name="store">Where each move is.</param>
/// <param name="options">How moves run.</param>
/// <param name="logger">The log.</param>
public sealed partial class ColumnMove(DataKeyChange change, MoveStore store, MoveOptions options, ILogger<ColumnMove> logger)
{
    /// <summary>
    /// Runs a move from its checkpoint until its end, or until its turn is over. It can be stopped and killed at any moment, and a second
    /// call for the same move at the same time does no harm.
    /// </summary>
    /// <returns>Whether the move is at its end.</returns>
    public async Task<bool> TakeTurnAsync(string tenant, string column, CancellationToken stop)
    {
        if (await store.BeginTurnAsync(tenant, column, stop) is not { } move)
        {
            return true;
        }

        var begun = Stopwatch.GetTimestamp();
        var moved = 0L;
        var (source, keys) = (change.Sources(tenant)[column], change.Keys(tenant));
        var run = new ReencryptionOptions
        {
            Checkpoint = move.Checkpoint,
            MaxDegreeOfParallelism = options.MaxDegreeOfParallelism,
            MaxItemsPerSecond = options.MaxItemsPerSecond,
            MaxRetryDelay = options.MaxRetryDelay,
        };
        try
        {
            await foreach (var progress in ByokReencryption.RunAsync(source, from: keys, to: keys, run, stop))
            {
                await store.SaveAsync(move, progress, progress.Moved - moved, stop);
                moved = progress.Moved;
                if (progress.Pause is { } pause)
                {
                    LogPause(tenant, column, pause.Cause.Message);
                }
                else if (progress.Count is { } count)
                {
                    LogEnd(tenant, column, count);
                }

                if (progress.Count is null && Stopwatch.GetElapsedTime(begun) >= options.Turn)
                {
                    break;
                }
            }
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            // The database is away, or the customer's key was unavailable for MaxPause. The next turn tries again.
            LogFailure(e, tenant, column);
            await store.FailAsync(move, e.Message, stop);
        }

        return await store.BeginTurnAsync(tenant, column, stop) is null;
    }

    [LoggerMessage(1, LogLevel.Warning, "{Tenant} {Column} pauses: {Cause}")]
    private partial void LogPause(string tenant, string column, string cause);

    [LoggerMessage(2, LogLevel.Information, "{Tenant} {Column}: {Count}")]
    private partial void LogEnd(string tenant, string column, ReencryptionCount count);

    [LoggerMessage(3, LogLevel.Error, "{Tenant} {Column} failed and will be tried again")]
    private partial void LogFailure(Exception exception, string tenant, string column);
}
