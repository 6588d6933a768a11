using Microsoft.EntityFrameworkCore;
using Scalr.Byok.Kms;

namespace Reencryption;

/// <summary>Where each move is, in the host's database. Each call has a context of its own.</summary>
/// <param name="options">The host's database.</param>
public class MoveStore(DbContextOptions<MoveContext> options)
{
    /// <summary>Requests a move. One that exists begins again with the first row.</summary>
    public async Task RequestAsync(string tenant, string column, CancellationToken cancellationToken = default)
    {
        await using var context = new MoveContext(options);
        await context.Database.ExecuteSqlAsync(
            $"""
            INSERT INTO moves (tenant, column_name, status, moved, report, served_at)
            VALUES ({tenant}, {column}, {(int)MoveStatus.Open}, 0, '', {DateTime.UnixEpoch})
            ON CONFLICT (tenant, column_name) DO UPDATE SET status = {(int)MoveStatus.Open}, checkpoint = NULL
            """,
            cancellationToken);
    }

    /// <summary>All moves.</summary>
    public async Task<List<StoredMove>> ListAsync(CancellationToken cancellationToken = default)
    {
        await using var context = new MoveContext(options);
        return await context.Moves.AsNoTracking().OrderBy(move => move.Tenant).ThenBy(move => move.Column).ToListAsync(cancellationToken);
    }

    /// <summary>The moves that are not at their end. The one that waits longest comes first.</summary>
    public async Task<List<StoredMove>> ListOpenAsync(CancellationToken cancellationToken = default)
    {
        await using var context = new MoveContext(options);
        return await Open(context).AsNoTracking().OrderBy(move => move.ServedAt).ToListAsync(cancellationToken);
    }

    /// <summary>The values of all moves that could not be moved.</summary>
    public async Task<List<QuarantinedValue>> ListQuarantinedAsync(CancellationToken cancellationToken = default)
    {
        await using var context = new MoveContext(options);
        return await context.Quarantined.AsNoTracking().ToListAsync(cancellationToken);
    }

    /// <summary>Begins the turn of a move. At the beginning of a pass, the list of its quarantined values is emptied.</summary>
    /// <returns>The move; null if it is at its end.</returns>
    public async Task<StoredMove?> BeginTurnAsync(string tenant, string column, CancellationToken cancellationToken)
    {
        await using var context = new MoveContext(options);
        var move = await Open(context).AsNoTracking().SingleOrDefaultAsync(
            move => move.Tenant == tenant && move.Column == column, cancellationToken);
        if (move is { Checkpoint: null })
        {
            await context.Quarantined.Where(value => value.Tenant == tenant && value.Column == column)
                .ExecuteDeleteAsync(cancellationToken);
        }

        return move;
    }

    /// <summary>Stores a progress: first the quarantined values, then the checkpoint, so that a kill in between loses nothing.</summary>
    /// <param name="move">The move.</param>
    /// <param name="progress">The progress.</param>
    /// <param name="moved">The number of values that were moved since the last progress.</param>
    /// <param name="cancellationToken">Cancels the call.</param>
    public virtual async Task SaveAsync(StoredMove move, ReencryptionProgress progress, long moved, CancellationToken cancellationToken)
    {
        await using var context = new MoveContext(options);
        foreach (var value in progress.NewlyQuarantined)
        {
            await context.Database.ExecuteSqlAsync(
                $"""
                INSERT INTO quarantined_values (tenant, column_name, key, reason)
                VALUES ({move.Tenant}, {move.Column}, {value.Key}, {(int)value.Reason})
                ON CONFLICT DO NOTHING
                """,
                cancellationToken);
        }

        var checkpoint = progress.Checkpoint;
        var status = progress.Pause?.Cause switch
        {
            null => MoveStatus.Open,
            ByokKeyUnavailableException => MoveStatus.KeyUnavailable,
            _ => MoveStatus.Paused,
        };
        if (progress.Count is { } count)
        {
            var quarantined = await context.Quarantined.LongCountAsync(
                value => value.Tenant == move.Tenant && value.Column == move.Column, cancellationToken);
            status = count.Remaining == 0 ? MoveStatus.Finished
                : count.Remaining == quarantined ? MoveStatus.NeedsAttention
                : MoveStatus.Open;
            checkpoint = null; // other values remain, for example after conflicts: the next pass begins with the first row
        }

        var report = progress.Pause?.Cause.Message ?? progress.ToString();
        await Row(context, move).ExecuteUpdateAsync(
            set => set.SetProperty(row => row.Status, status)
                .SetProperty(row => row.Checkpoint, checkpoint)
                .SetProperty(row => row.Moved, row => row.Moved + moved)
                .SetProperty(row => row.Report, report)
                .SetProperty(row => row.ServedAt, TimeProvider.System.GetUtcNow().UtcDateTime),
            cancellationToken);
    }

    /// <summary>Stores why a turn failed. The move has its next turn after all others.</summary>
    public async Task FailAsync(StoredMove move, string report, CancellationToken cancellationToken)
    {
        await using var context = new MoveContext(options);
        await Row(context, move).ExecuteUpdateAsync(
            set => set.SetProperty(row => row.Report, report)
                .SetProperty(row => row.ServedAt, TimeProvider.System.GetUtcNow().UtcDateTime),
            cancellationToken);
    }

    private static IQueryable<StoredMove> Open(MoveContext context) =>
        context.Moves.Where(move => move.Status != MoveStatus.Finished && move.Status != MoveStatus.NeedsAttention);

    /// <summary>The row of a move. None if the move is at its end: another process may have been faster.</summary>
    private static IQueryable<StoredMove> Row(MoveContext context, StoredMove move) =>
        Open(context).Where(row => row.Tenant == move.Tenant && row.Column == move.Column);
}
