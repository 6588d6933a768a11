namespace Scalr.Byok.Kms.Resilience;

/// <summary>Work that is done for more than its first caller: off that caller's thread and context, so that nobody's ambient values flow into it.</summary>
internal static class SharedWork
{
    /// <summary>Starts it. If it fails and nobody waits for it, nobody is alarmed.</summary>
    public static Task<TResult> Start<TResult>(Func<Task<TResult>> work)
    {
        using var noFlow = SuppressFlow();
        return Task.Run(work).Observed();
    }

    /// <inheritdoc cref="Start{TResult}"/>
    public static Task Start(Func<Task> work)
    {
        using var noFlow = SuppressFlow();
        return Task.Run(work).Observed();
    }

    /// <summary>Null where the caller has done so already, which must not be done twice.</summary>
    private static AsyncFlowControl? SuppressFlow() => ExecutionContext.IsFlowSuppressed() ? null : ExecutionContext.SuppressFlow();
}
