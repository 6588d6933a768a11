using Scalr.Byok.Kms.Tests.World;

namespace Scalr.Byok.Kms.Tests.Verification;

/// <summary>Lets the time pass while a call hangs, and only then, so that how long a verification takes is how long it waits for calls that hang.</summary>
internal static class HangingCalls
{
    /// <summary>Waits for a verification; each time AWS has received a request that it will never answer in full, the time of an attempt passes.</summary>
    /// <param name="world">Where.</param>
    /// <param name="verifying">The verification.</param>
    /// <param name="attempt">How much time passes for each.</param>
    /// <param name="total">How much time passes at most.</param>
    public static async Task<ByokVerification> PassAsync(ByokWorld world, Task<ByokVerification> verifying, TimeSpan attempt, TimeSpan total)
    {
        var hung = 0;
        var left = total;
        for (var start = TimeProvider.System.GetTimestamp(); !verifying.IsCompleted; await Task.Yield())
        {
            if (TimeProvider.System.GetElapsedTime(start) > TimeSpan.FromSeconds(30))
            {
                Assert.Fail($"The verification did not end, although {total - left} passed.");
            }

            if (world.Aws.Log.Requests.Count(request => request.ErrorCode is "fault:BlackHole" or "fault:StalledBody") > hung)
            {
                hung++;
                var pass = attempt < left ? attempt : left;
                left -= pass;
                world.Time.Advance(pass);
            }
        }

        return await verifying;
    }
}
