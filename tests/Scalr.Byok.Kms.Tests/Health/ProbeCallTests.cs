using LocalAws;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Scalr.Byok.Kms.Tests.World;

namespace Scalr.Byok.Kms.Tests.Health;

/// <summary>What a probe calls, how long it says it took, and how it ends before its time.</summary>
internal sealed class ProbeCallTests
{
    private ByokWorld _world = null!;

    [SetUp]
    public async Task StartAsync() => _world = await ByokWorld.StartAsync();

    [TearDown]
    public async Task StopAsync() => await _world.DisposeAsync();

    [TestCase("AccessKeys", "DescribeKey")]
    [TestCase("AssumeRole", "AssumeRole", "DescribeKey")]
    [TestCase("Oidc", "AssumeRoleWithWebIdentity", "DescribeKey")]
    public async Task Only_DescribeKey_is_called_and_STS_for_the_session(string type, params string[] operations)
    {
        var ring = _world.Ring(type);

        _ = await ring.ProbeAsync();

        Assert.That(_world.Aws.Log.Requests.Select(request => request.Operation), Is.EqualTo(operations));
        _ = await ring.ProbeAsync();
        Assert.That(
            _world.Aws.Log.Requests.Select(request => request.Operation),
            Is.EqualTo(operations.Append("DescribeKey")),
            "the session is still good");
    }

    [Test]
    public async Task A_probe_tells_when_AWS_was_asked_and_how_long_it_took()
    {
        var start = _world.Time.GetUtcNow();
        _world.GetToken = (request, _) =>
        {
            _world.Time.Advance(TimeSpan.FromMilliseconds(750));
            return new(_world.Token(request.Audience, ByokWorld.Subject));
        };

        var health = await _world.Ring("Oidc").ProbeAsync();

        Assert.That((health.CheckedAt, health.Duration), Is.EqualTo((start, TimeSpan.FromMilliseconds(750))));
    }

    [Test]
    public async Task A_probe_asks_anew_each_time()
    {
        var ring = _world.Ring("AccessKeys");
        Assert.That((await ring.ProbeAsync()).Status, Is.EqualTo(HealthStatus.Healthy));

        _world.Key.Disable();

        Assert.That((await ring.ProbeAsync()).Status, Is.EqualTo(HealthStatus.Unhealthy));
    }

    [Test]
    public async Task A_probe_of_a_failure_is_logged_once()
    {
        _world.Aws.Faults.Add(Fault.Error("KMSInternalException", 500));

        _ = await _world.Ring("AccessKeys").ProbeAsync();

        Assert.That(
            _world.Logs.Entries.Where(entry => entry.Contains("kms:DescribeKey", StringComparison.Ordinal)).ToList(), Has.Count.EqualTo(1));
    }

    [Test]
    public async Task A_probe_that_is_cancelled_ends_at_once([Values("AccessKeys", "AssumeRole", "Oidc")] string type)
    {
        _world.Aws.Faults.Add(Fault.BlackHole());
        using var source = new CancellationTokenSource();
        var probe = _world.Ring(type).ProbeAsync(source.Token);
        await _world.ReceivedAsync(type switch { "AccessKeys" => "DescribeKey", "Oidc" => "AssumeRoleWithWebIdentity", _ => type });

        await source.CancelAsync();

        var thrown = await Assert.CatchAsync<OperationCanceledException>(() => probe);
        Assert.That(thrown!.CancellationToken, Is.EqualTo(source.Token));
    }

    [Test]
    public async Task A_probe_that_is_cancelled_while_it_looks_at_a_replica_ends_at_once()
    {
        _ = _world.Key.Replicate("us-east-2");
        _world.User.Policy = Policies.Permissions("*");
        _world.Aws.Faults.Add(Fault.BlackHole() with { Region = "us-east-2" });
        using var source = new CancellationTokenSource();
        var probe = _world.Ring("AccessKeys", settings => settings.ReplicaRegions = ["us-east-2"]).ProbeAsync(source.Token);
        await _world.ReceivedAsync("DescribeKey", 2);

        await source.CancelAsync();

        _ = await Assert.CatchAsync<OperationCanceledException>(() => probe);
    }

    [Test]
    public async Task A_probe_that_was_cancelled_before_asks_nobody()
    {
        var ring = _world.Ring("AccessKeys");

        _ = await Assert.CatchAsync<OperationCanceledException>(() => ring.ProbeAsync(new CancellationToken(canceled: true)));

        Assert.That(_world.Aws.Log.Requests, Is.Empty);
    }

    [Test]
    public async Task A_disposed_ring_is_not_probed()
    {
        var ring = _world.Ring("AccessKeys");
        ((IDisposable)ring).Dispose();

        _ = await Assert.ThrowsAsync<ObjectDisposedException>(() => ring.ProbeAsync());

        Assert.That(_world.Aws.Log.Requests, Is.Empty);
    }

    [Test]
    public async Task A_ring_that_is_disposed_while_it_is_probed_says_so([Values("AccessKeys", "AssumeRole")] string type)
    {
        var ring = _world.Ring(type);
        _world.Aws.Faults.Add(Fault.BlackHole());
        var probe = ring.ProbeAsync();
        await _world.ReceivedAsync(type == "AssumeRole" ? type : "DescribeKey");

        ((IDisposable)ring).Dispose();
        _world.Time.Advance(TimeSpan.FromSeconds(2));

        _ = await Assert.ThrowsAsync<ObjectDisposedException>(() => probe);
    }

    [Test]
    public async Task ToString_tells_the_key_and_its_status() =>
        Assert.That((await _world.Ring("AccessKeys").ProbeAsync()).ToString(), Is.EqualTo($"{_world.Key.Arn}: Healthy"));
}
