using System.Diagnostics;

namespace Scalr.Byok.Kms.Tests.KeyUse;

/// <summary>Waits until the library's background work is done: the thread pool is at rest.</summary>
/// <remarks>
/// The model answers at once, so all work of the library that needs no timer ends by itself. A test host may block pool threads of its own
/// for ever: how many, the longest wait shows, and those count no longer. Fewer busy threads correct the number at once.
/// </remarks>
internal static class ModelQuiet
{
    private static readonly TimeSpan Longest = TimeSpan.FromMilliseconds(200);

    private static int _blocked;

    public static void Wait()
    {
        var start = Stopwatch.GetTimestamp();
        for (var quiet = 0; quiet < 3;)
        {
            ThreadPool.GetMaxThreads(out var most, out _);
            ThreadPool.GetAvailableThreads(out var available, out _);
            var busy = most - available;
            if (ThreadPool.PendingWorkItemCount > 0 || busy > _blocked)
            {
                quiet = 0;
                if (Stopwatch.GetElapsedTime(start) >= Longest)
                {
                    _blocked = busy;
                    return;
                }
            }
            else
            {
                quiet++;
                _blocked = busy;
            }

            Thread.Yield();
        }
    }
}
