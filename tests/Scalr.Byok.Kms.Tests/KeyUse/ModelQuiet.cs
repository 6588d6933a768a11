using System.Diagnostics;

namespace Scalr.Byok.Kms.Tests.KeyUse;

/// <summary>Waits until the library's background work is done: the thread pool is at rest.</summary>
/// <remarks>
/// The model answers at once, so all that the library does without a timer ends by itself.
/// The bound keeps other tests' work from holding this test up.
/// </remarks>
internal static class ModelQuiet
{
    private static readonly TimeSpan Longest = TimeSpan.FromMilliseconds(200);

    public static void Wait()
    {
        var start = Stopwatch.GetTimestamp();
        for (var quiet = 0; quiet < 3 && Stopwatch.GetElapsedTime(start) < Longest;)
        {
            ThreadPool.GetMaxThreads(out var most, out _);
            ThreadPool.GetAvailableThreads(out var available, out _);
            var isQuiet = ThreadPool.PendingWorkItemCount == 0 && most - available <= (Thread.CurrentThread.IsThreadPoolThread ? 1 : 0);
            quiet = isQuiet ? quiet + 1 : 0;
            Thread.Yield();
        }
    }
}
