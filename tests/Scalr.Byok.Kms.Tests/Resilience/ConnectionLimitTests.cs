using LocalAws;
using Scalr.Byok.Kms.Tests.KeyRing;
using Scalr.Byok.Kms.Tests.World;

namespace Scalr.Byok.Kms.Tests.Resilience;

/// <summary>An endpoint that does not answer takes up so many sockets of the host and no more.</summary>
[CancelAfter(120_000)]
[Category("Slow")]
internal sealed class ConnectionLimitTests
{
    private const int Calls = 40;
    private const int Tenants = 25;
    private const int CallsPerTenant = 64;

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
        // a timer each for the call and for its attempt
        await ByokWorld.UntilAsync(() => _world.Clock.Alive >= 2 * Calls, "not every call began its attempt");

        Assert.That((_world.Aws.Connections.Accepted, _world.Aws.Log.Count("Encrypt")), Is.EqualTo((3, 3)));
        _world.Time.Advance(TimeSpan.FromSeconds(2));

        var ends = await Task.WhenAll(calls.Select(async call => await Task.WhenAny(call)));
        Assert.That(
            ends.Select(call => call.Exception?.InnerException),
            Is.All.TypeOf<ByokServiceException>().And.All.Message.Contains("did not finish within 2 s"));
    }

    // Fault 18: 100 tenants with 64 calls each opened 6,104 connections. 25 have six times as many calls as there are connections.
    [Test]
    public async Task Many_tenants_share_the_connections_to_an_endpoint_that_does_not_answer()
    {
        var most = new ByokResilienceOptions().MaxConnectionsPerEndpoint;
        var limit = new ByokResilienceOptions().AttemptTimeout;
        var host = new TenantHost(_world);
        host.Store.Any = _ => _world.Settings(ByokCredentialSettings.AccessKeysType);
        _world.Aws.Faults.Add(Fault.BlackHole());
        List<Task<byte[]>> calls = [];
        var before = _world.Clock.Created;
        for (var i = 0; i < Tenants; i++)
        {
            var ring = await host.GetAsync($"tenant-{i}");
            calls.AddRange(Enumerable.Range(0, CallsPerTenant).Select(_ => ring.EncryptAsync(new byte[1]).AsTask()));
        }

        // A timer each for the call and for its attempt.
        await ByokWorld.UntilAsync(() => _world.Clock.Created - before >= 2 * calls.Count, "not every call began its attempt");
        await _world.ReceivedAsync("Encrypt", most);
        Assert.That((_world.Aws.Connections.Accepted, _world.Aws.Log.Count("Encrypt")), Is.EqualTo((most, most)));

        _world.Time.Advance(limit);

        var ends = await Task.WhenAll(calls.Select(async call => await Task.WhenAny(call)));
        Assert.That(ends.Select(call => call.Exception?.InnerException), Is.All.TypeOf<ByokServiceException>());
        await host.Services.DisposeAsync();
        await ByokWorld.UntilAsync(() => _world.Aws.Connections.Open == 0, "sockets are left");
    }
}
