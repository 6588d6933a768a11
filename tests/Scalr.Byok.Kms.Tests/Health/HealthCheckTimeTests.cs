using LocalAws;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Scalr.Byok.Kms.Health;
using Scalr.Byok.Kms.Tests.World;

namespace Scalr.Byok.Kms.Tests.Health;

/// <summary>However slow AWS is and however often a health check runs: it ends in time, and costs few calls.</summary>
internal sealed class HealthCheckTimeTests
{
    private static readonly TimeSpan ProbeLimit = TimeSpan.FromHours(1);

    private ByokWorld _world = null!;
    private HealthHost _host = null!;

    private KeyRingProbes Probes => _host.Provider.GetRequiredService<KeyRingProbes>();

    private IByokKeyRing Ring => _host.Provider.GetRequiredService<IByokKeyRing>();

    [SetUp]
    public async Task StartAsync()
    {
        _world = await ByokWorld.StartAsync();

        // Probes outlast the health check's own limit, so that it is this one that ends it.
        _host = new HealthHost(_world, options => options.Resilience = new() { AttemptTimeout = ProbeLimit, TotalTimeout = ProbeLimit });
    }

    [TearDown]
    public async Task StopAsync() => await _world.DisposeAsync();

    [Test]
    public async Task AWS_that_hangs_fails_the_host_at_the_time_limit([Values("AccessKeys", "AssumeRole", "Oidc")] string type)
    {
        _world.Aws.Faults.Add(Fault.BlackHole());
        _host.Add("", type).Check();

        var operation = type switch { "AccessKeys" => "DescribeKey", "Oidc" => "AssumeRoleWithWebIdentity", _ => type };
        var entry = await RunOutAsync(() => _world.ReceivedAsync(operation));

        Assert.That(
            (entry.Status, entry.Description),
            Is.EqualTo((HealthStatus.Unhealthy, "The key ring is not healthy: ServiceUnavailable (Aws).")));
    }

    [Test]
    public async Task AWS_that_hangs_leaves_the_last_known_health()
    {
        _host.Add("").Check();
        _ = await _host.RunAsync();
        _world.Time.Advance(TimeSpan.FromSeconds(60));
        _world.Aws.Faults.Add(Fault.BlackHole());

        var entry = await RunOutAsync(() => _world.ReceivedAsync("DescribeKey", 2));

        Assert.That((entry.Status, entry.Description), Is.EqualTo((HealthStatus.Healthy, "The key ring is healthy.")));
    }

    [Test]
    public async Task A_probe_that_outlasts_the_health_check_serves_the_next_one()
    {
        var hole = _world.Aws.Faults.Add(Fault.BlackHole() with { Times = 1 });
        _host.Add("").Check();
        _ = await RunOutAsync(() => _world.ReceivedAsync("DescribeKey"));

        var second = await RunOutAsync(() => Task.CompletedTask);
        Assert.That(second.Status, Is.EqualTo(HealthStatus.Unhealthy));
        Assert.That(_world.Aws.Log.Count("DescribeKey"), Is.EqualTo(1), "while it is under way no other is begun");

        _world.Aws.Faults.Remove(hole);
        _world.Time.Advance(ProbeLimit);
        while (Probes.TurnOf(Ring).Class == 0)
        {
            await Task.Yield();
        }

        Assert.That((await _host.RunAsync()).Status, Is.EqualTo(HealthStatus.Healthy));
    }

    [Test]
    public async Task Frequent_health_checks_cost_one_call_within_MaxAge()
    {
        _host.Add("").Check();

        for (var second = 0; second < 60; second += 5)
        {
            _ = await _host.RunAsync();
            _world.Time.Advance(TimeSpan.FromSeconds(5));
        }

        Assert.That(_world.Aws.Log.Count("DescribeKey"), Is.EqualTo(1));
        _ = await _host.RunAsync();
        Assert.That(_world.Aws.Log.Count("DescribeKey"), Is.EqualTo(2), "60 s old is too old");
    }

    [Test]
    public async Task Without_MaxAge_each_health_check_asks_anew()
    {
        _host.Add("").Check(options => options.MaxAge = TimeSpan.Zero);
        Assert.That((await _host.RunAsync()).Status, Is.EqualTo(HealthStatus.Healthy));

        _world.Key.Disable();

        Assert.That((await _host.RunAsync()).Status, Is.EqualTo(HealthStatus.Degraded));
    }

    [Test]
    public async Task Concurrent_health_checks_share_one_probe()
    {
        _host.Add("", "AssumeRole").Check();
        _world.HostCredentials.Close();
        var checks = Enumerable.Range(0, 20).Select(_ => _host.RunAsync()).ToList();

        _world.HostCredentials.Open();

        foreach (var check in checks)
        {
            Assert.That((await check).Status, Is.EqualTo(HealthStatus.Healthy));
        }

        Assert.That((_world.Aws.Log.Count("AssumeRole"), _world.Aws.Log.Count("DescribeKey")), Is.EqualTo((1, 1)));
    }

    [Test]
    public async Task A_probe_that_is_under_way_is_shared_however_old_it_may_be()
    {
        _host.Add("", "AssumeRole").Check();
        _world.HostCredentials.Close();
        var asks = Enumerable.Range(0, 20).Select(_ => Probes.AskAsync(Ring, maxAge: TimeSpan.Zero, CancellationToken.None)).ToList();

        _world.HostCredentials.Open();

        Assert.That((await Task.WhenAll(asks)).Select(answer => answer.Health).Distinct().Count(), Is.EqualTo(1));
        Assert.That(_world.Aws.Log.Count("DescribeKey"), Is.EqualTo(1));
    }

    [Test]
    public async Task A_caller_who_cancels_ends_the_health_check_but_not_the_probe()
    {
        _host.Add("", "AssumeRole").Check();
        _world.HostCredentials.Close();
        using var source = new CancellationTokenSource();
        var check = _host.RunAsync(source.Token);

        await source.CancelAsync();
        _ = await Assert.CatchAsync<OperationCanceledException>(() => check);

        _world.HostCredentials.Open();
        Assert.That((await _host.RunAsync()).Status, Is.EqualTo(HealthStatus.Healthy));
        Assert.That(_world.Aws.Log.Count("DescribeKey"), Is.EqualTo(1));
    }

    [Test]
    public async Task A_caller_who_cancelled_before_asks_nobody()
    {
        _host.Add("").Check();

        _ = await Assert.CatchAsync<OperationCanceledException>(() => _host.RunAsync(new CancellationToken(canceled: true)));

        Assert.That(_world.Aws.Log.Requests, Is.Empty);
    }

    [Test]
    public async Task Only_DescribeKey_is_called()
    {
        _ = await _host.Add("").Check().RunAsync();

        Assert.That(_world.Aws.Log.Requests.Select(request => request.Operation), Is.EqualTo(Findings.These("DescribeKey")));
    }

    /// <summary>Runs the health check until its time is over, which begins when it does: on a thread of its own.</summary>
    private async Task<HealthReportEntry> RunOutAsync(Func<Task> underWay)
    {
        var (start, check) = (_world.Time.GetUtcNow(), _host.RunAsync());
        await underWay();
        for (; !check.IsCompleted; await Task.Yield())
        {
            Assert.That(_world.Time.GetUtcNow() - start, Is.LessThan(ProbeLimit), "the health check outlasts its limit");
            _world.Time.Advance(TimeSpan.FromMilliseconds(1));
        }

        return await check;
    }
}
