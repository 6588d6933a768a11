using LocalAws;
using Scalr.Byok.Kms.Tests.World;

namespace Scalr.Byok.Kms.Tests.Resilience;

/// <summary>An endpoint that does not answer takes up so many sockets of the host and no more.</summary>
[CancelAfter(120_000)]
internal sealed class ConnectionLimitTests
{
    private const int Calls = 40;

    private ByokWorld _world = null!;

    [SetUp]
    public async Task StartAsync() => _world = await ByokWorld.StartAsync();

    [TearDown]
    public async Task StopAsync() => await _world.DisposeAsync();

    [Test]
    public async Task Connections_to_an_endpoint_are_limited_and_the_wait_counts_towards_the_attempt_time_limit()
    {
        var ring = _world.Ring("AccessKeys", options: o => o.Resilience.MaxConnectionsPerEndpoint = 3);
        _world.Aws.Faults.Add(Fault.BlackHole());
        var calls = Enumerable.Range(0, Calls).Select(_ => ring.EncryptAsync(new byte[1]).AsTask()).ToArray();
        await _world.ReceivedAsync("Encrypt", 3);
        await ByokWorld.UntilAsync(() => _world.Clock.Alive >= 2 * Calls, "not every call began its attempt"); // a timer each for the call and for its attempt

        Assert.That((_world.Aws.Connections.Accepted, _world.Aws.Log.Count("Encrypt")), Is.EqualTo((3, 3)));
        _world.Time.Advance(TimeSpan.FromSeconds(2));

        var ends = await Task.WhenAll(calls.Select(async call => await Task.WhenAny(call)));
        Assert.That(ends.Select(call => call.Exception?.InnerException), Is.All.TypeOf<ByokServiceException>().And.All.Message.Contains("did not finish within 2 s"));
    }
}
