namespace Scalr.Byok.Kms.Resilience;

/// <summary>Waiting that can be given up, for calls that do not always mind their token.</summary>
internal static class Abandonment
{
    /// <summary>As <see cref="Task{TResult}.WaitAsync(CancellationToken)"/>; if the task fails after it was given up, nobody is alarmed by it.</summary>
    public static Task<TResult> OrAbandonAsync<TResult>(this Task<TResult> task, CancellationToken cancellationToken)
    {
        if (task.IsCompleted)
        {
            return task;
        }

        return task.Observed().WaitAsync(cancellationToken);
    }

    /// <summary>The task, whose failure alarms nobody although maybe nobody waits for it.</summary>
    public static TTask Observed<TTask>(this TTask task)
        where TTask : Task
    {
        _ = task.ContinueWith(
            static failed => failed.Exception,
            CancellationToken.None,
            TaskContinuationOptions.OnlyOnFaulted | TaskContinuationOptions.ExecuteSynchronously,
            TaskScheduler.Default);
        return task;
    }
}
