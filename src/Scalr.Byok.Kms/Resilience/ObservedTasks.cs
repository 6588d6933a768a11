namespace Scalr.Byok.Kms.Resilience;

/// <summary>Waits that can end before the call does, for calls that do not always observe their token.</summary>
internal static class ObservedTasks
{
    /// <summary>
    /// As <see cref="Task{TResult}.WaitAsync(CancellationToken)"/>. A failure after the wait has ended raises no UnobservedTaskException.
    /// </summary>
    public static Task<TResult> WaitObservedAsync<TResult>(this Task<TResult> task, CancellationToken cancellationToken) =>
        task.WaitObservedAsync(onAbandoned: null, cancellationToken);

    /// <summary>
    /// As <see cref="WaitObservedAsync{TResult}(Task{TResult}, CancellationToken)"/>. A result that arrives after the wait has ended goes
    /// to <paramref name="onAbandoned"/>.
    /// </summary>
    /// <remarks>
    /// So each result has exactly one owner: the caller, or <paramref name="onAbandoned"/>, which erases a plaintext key in it.
    /// </remarks>
    /// <param name="task">The call.</param>
    /// <param name="onAbandoned">Takes the late result. Must not throw. Null if there is nothing to erase.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public static Task<TResult> WaitObservedAsync<TResult>(
        this Task<TResult> task, Action<TResult>? onAbandoned, CancellationToken cancellationToken) =>
        // A completed task is returned whatever the token says. So its result goes to the caller, and never to both. The caller awaits the
        // task itself, so it observes a failure.
        task.IsCompleted ? task : OrHandOverAsync(task, onAbandoned, cancellationToken);

    private static async Task<TResult> OrHandOverAsync<TResult>(
        Task<TResult> task, Action<TResult>? onAbandoned, CancellationToken cancellationToken)
    {
        try
        {
            // The only continuation of the call while it is under way: of several, the runtime queues all but one to the thread pool.
            return await task.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // The wait ended with the cancellation, so the caller never gets the result, and the late result has this one owner. Not
            // awaited: the caller must not wait for the call.
            _ = HandOverAsync(task.Observed(), onAbandoned);
            throw;
        }
    }

    /// <summary>Marks a failure of the task as observed, so that it raises no UnobservedTaskException if no caller waits.</summary>
    public static TTask Observed<TTask>(this TTask task)
        where TTask : Task
    {
        // Reading the exception marks it as observed. The other callers of the task still get it.
        _ = task.ContinueWith(
            static failed => failed.Exception,
            CancellationToken.None,
            TaskContinuationOptions.OnlyOnFaulted | TaskContinuationOptions.ExecuteSynchronously,
            TaskScheduler.Default);
        return task;
    }

    private static async Task HandOverAsync<TResult>(Task<TResult> task, Action<TResult>? onAbandoned)
    {
        // A late failure has no owner: the caller already has its cancellation.
        await ((Task)task).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (task.IsCompletedSuccessfully)
        {
            onAbandoned?.Invoke(await task.ConfigureAwait(false));
        }
    }
}
