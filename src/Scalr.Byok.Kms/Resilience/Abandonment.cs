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

    /// <summary>As <see cref="OrAbandonAsync{TResult}(Task{TResult}, CancellationToken)"/>; a result that comes after the task was given up is handed to <paramref name="onAbandoned"/>.</summary>
    /// <remarks>So each result has exactly one owner: the caller, or <paramref name="onAbandoned"/>, which erases a plaintext key in it.</remarks>
    /// <param name="task">The call.</param>
    /// <param name="onAbandoned">Takes the late result. It must not throw. Null if there is nothing to erase.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public static async Task<TResult> OrAbandonAsync<TResult>(this Task<TResult> task, Action<TResult>? onAbandoned, CancellationToken cancellationToken)
    {
        try
        {
            return await task.OrAbandonAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (onAbandoned is not null && cancellationToken.IsCancellationRequested)
        {
            _ = HandOverAsync(task, onAbandoned);
            throw;
        }
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

    private static async Task HandOverAsync<TResult>(Task<TResult> task, Action<TResult> onAbandoned)
    {
        await ((Task)task).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (task.IsCompletedSuccessfully)
        {
            onAbandoned(await task.ConfigureAwait(false));
        }
    }
}
