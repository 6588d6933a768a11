using System.Diagnostics;

namespace Scalr.Byok.Kms.Tests.World;

/// <summary>
/// Starts processes for tests. A process that has not ended after five minutes is killed with its children, so that no test waits for its
/// output or its end for ever.
/// </summary>
internal static class ChildProcess
{
    private static readonly TimeSpan LongestLife = TimeSpan.FromMinutes(5);

    public static Process Start(ProcessStartInfo start)
    {
        var process = Process.Start(start)!;
        Limit(process);
        return process;
    }

    /// <summary>Kills a process that was started, if it has not ended in time.</summary>
    public static void Limit(Process process) => _ = KillAsync(process.Id);

    private static async Task KillAsync(int id)
    {
        using var limit = new CancellationTokenSource(LongestLife);
        try
        {
            // An object of its own, because two threads must not use one: the test could read the exit code before it is set.
            using var process = Process.GetProcessById(id);
            await process.WaitForExitAsync(limit.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (!process.HasExited)
            {
                process.Kill(entireProcessTree: true);
            }
        }
        catch (Exception e) when (e is ArgumentException or InvalidOperationException)
        {
            // It has ended already.
        }
    }
}
