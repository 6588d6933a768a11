namespace Scalr.Byok.Kms.Tests.World;

/// <summary>The queue of the thread pool, which all tests have in common.</summary>
internal static class PoolQueue
{
    /// <summary>Lets all work begin that waits in the queue now.</summary>
    public static async Task PassAsync()
    {
        var begun = new TaskCompletionSource();
        ThreadPool.QueueUserWorkItem(static begun => begun.SetResult(), begun, preferLocal: false);
        await begun.Task;
    }
}
