namespace Scalr.Byok.Kms.Resilience;

/// <summary>
/// The work of one owner that several callers share. It runs on the thread pool, without the first caller's execution context.
/// Safe for concurrent use.
/// </summary>
/// <param name="disposed">Ends the work. Cancelled by the owner when it is disposed.</param>
internal sealed class SharedWork(CancellationToken disposed)
{
    private int _running;

    /// <summary>Ends the work.</summary>
    public CancellationToken Disposed => disposed;

    /// <summary>How many tasks are queued or under way.</summary>
    public int Running => Volatile.Read(ref _running);

    /// <summary>Starts the work. A failure raises no UnobservedTaskException if no caller waits.</summary>
    public Task<TResult> Start<TResult>(Func<Task<TResult>> work)
    {
        // Without this, ambient values of the first caller (activity, culture, tenant of the host) would flow into work done for others.
        using var noFlow = SuppressFlow();

        // Queued, never run on the caller's thread: callers start shared work while they hold a lock.
        Interlocked.Increment(ref _running);
        var task = Task.Run(work, CancellationToken.None);
        Observe(task);
        return task;
    }

    /// <inheritdoc cref="Start{TResult}"/>
    public Task Start(Func<Task> work)
    {
        // Undone at the end of this method, which has no await: the flow must be restored on the thread that suppressed it.
        using var noFlow = SuppressFlow();
        Interlocked.Increment(ref _running);
        var task = Task.Run(work, CancellationToken.None);
        Observe(task);
        return task;
    }

    private void Observe(Task task) => task.ContinueWith(
        static (ended, self) =>
        {
            _ = ended.Exception; // a failure counts as observed once it was read
            Interlocked.Decrement(ref ((SharedWork)self!)._running);
        },
        this,
        CancellationToken.None,
        TaskContinuationOptions.ExecuteSynchronously,
        TaskScheduler.Default);

    /// <summary>Null if the caller has already suppressed the flow: that must not be done twice.</summary>
    private static AsyncFlowControl? SuppressFlow() => ExecutionContext.IsFlowSuppressed() ? null : ExecutionContext.SuppressFlow();
}
