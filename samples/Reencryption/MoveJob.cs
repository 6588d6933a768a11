using Quartz;

namespace Reencryption;

/// <summary>One turn of a move, as a job of Quartz.NET.</summary>
/// <param name="move">Runs a move.</param>
[DisallowConcurrentExecution]
public sealed class MoveJob(ColumnMove move) : IJob
{
    /// <summary>The tenant, from the job's data.</summary>
    public string Tenant { get; set; } = "";

    /// <summary>Table and column, from the job's data.</summary>
    public string Column { get; set; } = "";

    /// <inheritdoc/>
    public async ValueTask Execute(IJobExecutionContext context, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(context);
        if (await move.TakeTurnAsync(Tenant, Column, cancellationToken))
        {
            await context.Scheduler.DeleteJob(context.JobDetail.Key, cancellationToken);
        }
    }
}
