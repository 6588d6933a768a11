using Microsoft.EntityFrameworkCore;
using WebHost.Accounts;

namespace WebHost.Moves;

/// <summary>How far each move is, in the host's database.</summary>
/// <param name="contexts">The host's database.</param>
public sealed class MoveStore(IDbContextFactory<AccountContext> contexts)
{
    /// <summary>The rows of a move, in the order of their sources.</summary>
    public async Task<List<Move>> ListAsync(Guid id, CancellationToken cancellationToken = default)
    {
        await using var context = await contexts.CreateDbContextAsync(cancellationToken);
        return await context.Moves.AsNoTracking().Where(move => move.MoveId == id).OrderBy(move => move.Source)
            .ToListAsync(cancellationToken);
    }

    /// <summary>The row of a source; a new one if the source has not begun.</summary>
    public async Task<Move> BeginAsync(
        Guid id, string source, Func<string?, CancellationToken, ValueTask<long>> count, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(count);
        await using var context = await contexts.CreateDbContextAsync(cancellationToken);
        if (await context.Moves.AsNoTracking().SingleOrDefaultAsync(
            move => move.MoveId == id && move.Source == source, cancellationToken) is { } known)
        {
            return known;
        }

        var added = new Move { MoveId = id, Source = source, Total = await count(null, cancellationToken) };
        context.Add(added);
        try
        {
            await context.SaveChangesAsync(cancellationToken);
        }
        catch (DbUpdateException)
        {
            // Another process was faster.
        }

        return added;
    }

    /// <summary>Stores the progress of a source.</summary>
    public async Task SaveAsync(Move move, CancellationToken cancellationToken)
    {
        await using var context = await contexts.CreateDbContextAsync(cancellationToken);
        context.Update(move);
        await context.SaveChangesAsync(cancellationToken);
    }

    /// <summary>Stores why a move pauses.</summary>
    public async Task PauseAsync(Guid id, string pause, CancellationToken cancellationToken)
    {
        await using var context = await contexts.CreateDbContextAsync(cancellationToken);
        await context.Moves.Where(move => move.MoveId == id && !move.IsFinished)
            .ExecuteUpdateAsync(set => set.SetProperty(move => move.Pause, pause), cancellationToken);
    }

    /// <summary>Lets all sources of a move begin with the first item again. Items that have moved are left as they are.</summary>
    public async Task RepeatAsync(Guid id, CancellationToken cancellationToken)
    {
        await using var context = await contexts.CreateDbContextAsync(cancellationToken);
        await context.Moves.Where(move => move.MoveId == id).ExecuteUpdateAsync(
            set => set.SetProperty(move => move.IsFinished, false)
                .SetProperty(move => move.Checkpoint, (string?)null)
                .SetProperty(move => move.Processed, 0),
            cancellationToken);
    }
}
