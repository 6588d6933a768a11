using LocalAws;
using Scalr.Byok.Kms.Tests.World;

namespace Scalr.Byok.Kms.Tests.Faults;

/// <summary>Fault 14: a background renewal that failed began again with every use.</summary>
[CancelAfter(120_000)]
internal sealed class RenewalPauseTests
{
    private static readonly TimeSpan MaxAge = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan Step = TimeSpan.FromMilliseconds(100);

    private ByokWorld _world = null!;

    [SetUp]
    public async Task StartAsync() => _world = await ByokWorld.StartAsync();

    [TearDown]
    public async Task StopAsync() => await _world.DisposeAsync();

    // Fault 14: pauses of 1 s, doubling to 15 s, allow at most 7 attempts in 25 s with any jitter down to one half. The renewal of the data
    // key and the confirmation of the wrapping key are two such series.
    [Test]
    public async Task A_renewal_that_fails_is_tried_a_few_times_only([Values] bool hasBreaker)
    {
        var (ring, pacer) = await FailingAsync(hasBreaker);

        for (var passed = TimeSpan.Zero; passed < TimeSpan.FromSeconds(25); passed += Step)
        {
            await ring.EncryptAsync(new byte[1]);
            await pacer.EncryptAsync(new byte[1]); // a request to AWS takes longer than the failure of another
            _world.Time.Advance(Step);
        }

        Assert.That(_world.Aws.Log.Requests.Count(request => request.Key == _world.Key.Arn), Is.InRange(1, 14));
        Assert.That(_world.Logs.Entries.Count(entry => entry.StartsWith("Warning", StringComparison.Ordinal)), Is.LessThanOrEqualTo(15));
    }

    // Fault 14: no pause ends while the clock stands still.
    [Test]
    public async Task A_renewal_that_fails_is_not_tried_again_at_once([Values] bool hasBreaker)
    {
        var (ring, pacer) = await FailingAsync(hasBreaker);

        for (var i = 0; i < 200; i++)
        {
            await ring.EncryptAsync(new byte[1]);
            await pacer.EncryptAsync(new byte[1]);
        }

        Assert.That(
            _world.Aws.Log.Requests.Count(request => request.Key == _world.Key.Arn), Is.InRange(1, 2), "a renewal and a confirmation");
        Assert.That(_world.Logs.Entries.Count(entry => entry.StartsWith("Warning", StringComparison.Ordinal)), Is.LessThanOrEqualTo(3));
    }

    /// <summary>A ring whose data key is due for renewal while AWS fails, and one of another key that AWS answers.</summary>
    private async Task<(IByokKeyRing Ring, IByokKeyRing Pacer)> FailingAsync(bool hasBreaker)
    {
        var ring = _world.Ring("AccessKeys", options: o =>
        {
            (o.DataKeyCache.MaxAge, o.ConfirmationInterval) = (MaxAge, MaxAge);
            o.Resilience.BreakerMinimumThroughput = hasBreaker ? 4 : int.MaxValue;
        });
        var other = _world.Customer.CreateKey(ByokWorld.Region);
        _world.User.Policy = Policies.Permissions("*");
        var pacer = _world.Ring("AccessKeys", settings => settings.KeyArn = other.Arn);
        await ring.EncryptAsync(new byte[1]);
        _world.Time.Advance(MaxAge * 0.9);
        _world.Aws.Log.Clear();
        _world.Aws.Faults.Add(Fault.Error("InternalFailure", 500) with { Key = _world.Key.Arn });
        return (ring, pacer);
    }
}
