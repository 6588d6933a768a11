namespace Scalr.Byok.Kms.Tests.World;

/// <summary>
/// Lets the time pass for a call only while nothing else can bring it on, so that the time it takes by the clock is what it waits for
/// hanging requests and in pauses.
/// </summary>
internal static class HangingCalls
{
    private static readonly TimeSpan Step = TimeSpan.FromMilliseconds(10);

    /// <summary>
    /// Waits for a call; the time passes, and no more than the total, while AWS holds a request that it will never answer in full, or the
    /// call pauses.
    /// </summary>
    /// <param name="world">Where.</param>
    /// <param name="call">The call; no more than one at a time.</param>
    /// <param name="attempt">The time limit of an attempt.</param>
    /// <param name="total">How much time passes at most.</param>
    public static async Task<T> PassAsync<T>(ByokWorld world, Task<T> call, TimeSpan attempt, TimeSpan total)
    {
        var end = world.Time.GetUtcNow() + total;
        while (true)
        {
            // With pauses while nothing hangs: a call makes a dozen requests that are answered, and each takes a millisecond.
            await ByokWorld.UntilAsync(() => call.IsCompleted || IsHeldUp(), $"the call did not end, although up to {total} passed");
            if (call.IsCompleted)
            {
                return await call;
            }

            world.Time.Advance(Step);
            await Task.Yield();
        }

        bool IsHeldUp()
        {
            var now = world.Time.GetUtcNow();
            var pauses = world.Clock.Pauses > 0 && world.Clock.Limits(attempt) == 0; // attempts that are over may take a moment to end
            return now < end && (pauses || world.Aws.Log.Requests.Any(request => Hangs(request) && now < request.Time + attempt));
        }
    }

    private static bool Hangs(LocalAws.LoggedRequest request) => request.ErrorCode is "fault:BlackHole" or "fault:StalledBody";
}
