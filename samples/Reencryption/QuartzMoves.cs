using Microsoft.Extensions.DependencyInjection;
using Quartz;

namespace Reencryption;

/// <summary>The second way: jobs of Quartz.NET, clustered. Any process of the host runs them; if one dies, another goes on.</summary>
public static class QuartzMoves
{
    /// <summary>Adds a clustered scheduler to a host that has <see cref="MovesServiceCollectionExtensions.AddMoves"/>.</summary>
    /// <param name="services">The host's services.</param>
    /// <param name="postgres">The database of the scheduler, which keeps its time and its jobs there.</param>
    /// <param name="options">How moves run.</param>
    public static IServiceCollection AddQuartzMoves(this IServiceCollection services, string postgres, MoveOptions options) => services
        .AddQuartz(quartz =>
        {
            quartz.UseDefaultThreadPool(options.MovesAtOnce);
            quartz.UsePersistentStore(store =>
            {
                store.UsePostgres(postgres);
                store.ProvisionSchema();
                store.UseClustering(cluster =>
                {
                    // How soon a process counts as dead. If it is not, two processes run one move, which does no harm.
                    cluster.CheckinInterval = TimeSpan.FromSeconds(2);
                    cluster.CheckinMisfireThreshold = TimeSpan.FromSeconds(3);
                });
            });
        })
        .AddQuartzHostedService(hosted => hosted.WaitForJobsToComplete = true);

    /// <summary>Schedules a move that was requested. A job that exists stays as it is.</summary>
    public static async Task ScheduleAsync(
        IScheduler scheduler, StoredMove move, MoveOptions options, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(scheduler);
        ArgumentNullException.ThrowIfNull(move);
        ArgumentNullException.ThrowIfNull(options);
        var job = JobBuilder.Create<MoveJob>().WithIdentity(move.Column, move.Tenant).RequestRecovery()
            .UsingJobData(one => one.Tenant, move.Tenant).UsingJobData(one => one.Column, move.Column).Build();

        // After each turn, the job waits behind the others that are due. The job deletes itself at its end.
        var trigger = TriggerBuilder.Create().WithIdentity(move.Column, move.Tenant).StartNow()
            .WithSimpleSchedule(schedule => schedule.WithInterval(options.PollInterval).RepeatForever()).Build();
        try
        {
            await scheduler.ScheduleJob(job, trigger, cancellationToken: cancellationToken);
        }
        catch (ObjectAlreadyExistsException)
        {
            // Another process was faster.
        }
    }
}
