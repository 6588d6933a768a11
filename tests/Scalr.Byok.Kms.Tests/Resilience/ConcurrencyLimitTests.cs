using LocalAws;
using Scalr.Byok.Kms.Tests.World;

namespace Scalr.Byok.Kms.Tests.Resilience;

/// <summary>
/// So many attempts at a time for one key in one Region; the others wait for their turn, and no longer than the total time limit.
/// </summary>
[CancelAfter(120_000)]
internal sealed class ConcurrencyLimitTests
{
    private ByokWorld _world = null!;

    [SetUp]
    public async Task StartAsync() => _world = await ByokWorld.StartAsync();

    [TearDown]
    public async Task StopAsync() => await _world.DisposeAsync();

    [Test]
    public async Task So_many_are_at_AWS_at_a_time_and_all_have_their_turn()
    {
        var ring = _world.Ring("AssumeRole", options: o => o.Resilience.MaxConcurrentCalls = 3);
        _world.HostCredentials.Close();
        var calls = Enumerable.Range(0, 20).Select(_ => ring.EncryptAsync(new byte[1]).AsTask()).ToArray();
        _world.HostCredentials.Open();
        await Task.WhenAll(calls);

        var hole = _world.Aws.Faults.Add(Fault.BlackHole());
        calls = [.. Enumerable.Range(0, 20).Select(_ => ring.EncryptAsync(new byte[1]).AsTask())];
        await _world.ReceivedAsync("Encrypt", 23);
        Assert.That(_world.Aws.Log.Count("Encrypt"), Is.EqualTo(23), "20 and the first 3");
        _world.Aws.Faults.Remove(hole);
        _world.Time.Advance(TimeSpan.FromSeconds(2));

        var ends = await Task.WhenAll(calls.Select(async call => await Task.WhenAny(call)));
        Assert.That(ends.Count(call => call.IsFaulted), Is.EqualTo(3), "the waiting calls were served");
        Assert.That(_world.Aws.Log.Count("Encrypt"), Is.EqualTo(40));
    }

    [Test]
    public async Task Whoever_waits_gives_up_at_the_total_time_limit_or_when_cancelled()
    {
        var ring = _world.Ring("AccessKeys", options: o =>
        {
            o.Resilience.MaxConcurrentCalls = 1;
            o.Resilience.AttemptTimeout = o.Resilience.TotalTimeout = TimeSpan.FromSeconds(5);
        });
        _world.Aws.Faults.Add(Fault.BlackHole());
        using var cancellation = new CancellationTokenSource();
        var first = ring.EncryptAsync(new byte[1]).AsTask();
        await _world.ReceivedAsync("Encrypt");
        var second = ring.EncryptAsync(new byte[1]).AsTask();
        var third = ring.EncryptAsync(new byte[1], cancellationToken: cancellation.Token).AsTask();

        await cancellation.CancelAsync();
        await Assert.CatchAsync<OperationCanceledException>(() => third);
        Assert.That((first.IsCompleted, second.IsCompleted), Is.EqualTo((false, false)));
        _world.Time.Advance(TimeSpan.FromSeconds(5));

        await Assert.ThrowsAsync<ByokServiceException>(() => first);
        var thrown = await Assert.ThrowsAsync<ByokServiceException>(() => second);
        Assert.That(thrown!.IsTransient, Is.True);
        _world.Aws.Faults.Clear();
        Assert.That(await ring.EncryptAsync(new byte[1]), Is.Not.Empty, "every turn was given back");
    }

    [Test]
    public async Task Each_Region_of_a_key_has_turns_of_its_own()
    {
        _world.Key.Replicate("us-east-2");
        var replica = _world.Key.Arn.Replace(ByokWorld.Region, "us-east-2", StringComparison.Ordinal);
        _world.User.Policy = Policies.Permissions("*");
        var ring = _world.Ring("AccessKeys", s => s.ReplicaRegions = ["us-east-2"], o =>
        {
            o.Resilience.MaxConcurrentCalls = 1;
            o.Resilience.BreakerMinimumThroughput = 2;
        });
        _world.Aws.Faults.Add(Fault.Error("KMSInternalException", 500) with { Region = ByokWorld.Region });
        for (var i = 0; i < 3; i++)
        {
            await ring.EncryptAsync(new byte[1]);
        }

        var message = await ring.EncryptAsync(new byte[1]);

        Assert.That(ByokMessage.Read(message).KeyArns.Single().ToString(), Is.EqualTo(replica));
        Assert.That(
            _world.Aws.Log.Requests.Count(request => request.Region == ByokWorld.Region),
            Is.EqualTo(2),
            "the breaker opened, and no one waits there");
    }
}
