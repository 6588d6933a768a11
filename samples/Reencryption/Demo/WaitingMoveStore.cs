using Microsoft.EntityFrameworkCore;
using Scalr.Byok.Kms;

namespace Reencryption.Demo;

/// <summary>Lets a process move a number of values, and then wait. So it cannot move all values before it is killed.</summary>
/// <param name="options">The host's database.</param>
/// <param name="values">The number of values.</param>
internal sealed class WaitingMoveStore(DbContextOptions<MoveContext> options, long values) : MoveStore(options)
{
    private long _moved;

    public override async Task SaveAsync(
        StoredMove move, ReencryptionProgress progress, long moved, CancellationToken cancellationToken)
    {
        await base.SaveAsync(move, progress, moved, cancellationToken);
        if (Interlocked.Add(ref _moved, moved) >= values)
        {
            await Task.Delay(Timeout.Infinite, cancellationToken);
        }
    }
}
