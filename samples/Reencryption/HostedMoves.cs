using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Reencryption;

/// <summary>The first way: a hosted service. One process of the host runs it.</summary>
/// <param name="store">Where each move is.</param>
/// <param name="move">Runs a move.</param>
/// <param name="options">How moves run.</param>
/// <param name="logger">The log.</param>
public sealed partial class HostedMoves(MoveStore store, ColumnMove move, MoveOptions options, ILogger<HostedMoves> logger)
    : BackgroundService
{
    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (true)
        {
            try
            {
                // Each open move has one turn; then all have the next. So a customer with many rows does not keep others waiting.
                var lanes = new ParallelOptions { MaxDegreeOfParallelism = options.MovesAtOnce, CancellationToken = stoppingToken };
                await Parallel.ForEachAsync(
                    await store.ListOpenAsync(stoppingToken),
                    lanes,
                    async (next, stop) => await move.TakeTurnAsync(next.Tenant, next.Column, stop));
            }
            catch (Exception e) when (e is not OperationCanceledException)
            {
                LogFailure(e); // the database is away
            }

            await Task.Delay(options.PollInterval, stoppingToken);
        }
    }

    [LoggerMessage(4, LogLevel.Error, "The moves cannot be read or stored")]
    private partial void LogFailure(Exception exception);
}
