using LocalAws;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Logging;
using Scalr.Byok.Kms.Tests.World;

namespace Scalr.Byok.Kms.Tests.KeyRing;

/// <summary>The health check looks at the tenants that are in use, and at no others.</summary>
[CancelAfter(120_000)]
internal sealed class TenantHealthTests
{
    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);

    private ByokWorld _world = null!;
    private TenantHost _host = null!;
    private LocalKey _otherKey = null!;

    [SetUp]
    public async Task StartAsync()
    {
        _world = await ByokWorld.StartAsync();
        _otherKey = _world.Customer.CreateKey(ByokWorld.Region, multiRegion: true);
        _world.User.Policy = Policies.Permissions("*");
        _host = Host(tellsAll: true);
    }

    [TearDown]
    public async Task StopAsync() => await _world.DisposeAsync();

    [Test]
    public async Task Tenants_in_use_are_looked_at_and_others_are_left_alone()
    {
        Assert.That((await CheckAsync(_host)).Data["keyRings"], Is.Zero);
        await _host.GetAsync("acme");
        await _host.GetAsync("other");
        await Assert.CatchAsync<ByokTenantNotFoundException>(async () => await _host.GetAsync("unknown"));

        var report = await CheckAsync(_host);

        Assert.That((report.Status, report.Data["keyRings"]), Is.EqualTo((HealthStatus.Healthy, 2)));
        Assert.That(_world.Aws.Log.Count("DescribeKey"), Is.EqualTo(2));
        await CheckAsync(_host);
        Assert.That(_world.Aws.Log.Count("DescribeKey"), Is.EqualTo(2), "a probe serves for a while");
    }

    [Test]
    public async Task Names_of_tenants_are_told_only_when_asked_for([Values] bool tellsAll)
    {
        var host = Host(tellsAll);
        await host.GetAsync("acme");
        await host.GetAsync("other");
        _world.Key.Disable();

        var report = await CheckAsync(host);

        Assert.That(report.Status, Is.EqualTo(HealthStatus.Degraded), "one customer's problem");
        Assert.That(report.Data.Keys.Any(key => key.Contains("tenant:acme", StringComparison.Ordinal)), Is.EqualTo(tellsAll));
        Assert.That(report.Data.Keys, Has.None.Contains("tenant:other"));
        Assert.That(report.Description, Does.Not.Contain("acme"));
    }

    [Test]
    public async Task A_health_check_keeps_no_ring_in_use()
    {
        await _host.GetAsync("acme");
        for (var i = 0; i < 61; i++)
        {
            await CheckAsync(_host);
            _world.Time.Advance(Minute);
        }

        Assert.That(_host.InUse, Is.Empty);
        Assert.That((await CheckAsync(_host)).Data["keyRings"], Is.Zero);
        Assert.That(_host.Store.Count("acme"), Is.EqualTo(1));
    }

    [Test]
    public async Task New_settings_are_looked_at_at_once_and_a_tenant_that_goes_fails_nothing()
    {
        await _host.GetAsync("acme");
        await _host.GetAsync("other");
        _world.Key.Disable();
        Assert.That((await CheckAsync(_host)).Status, Is.EqualTo(HealthStatus.Degraded));

        _host.Store["acme"] = new ByokKeySettings { KeyArn = _otherKey.Arn, Credentials = _world.Settings("AccessKeys").Credentials };
        _host.Rings.Invalidate("acme");
        Assert.That((await CheckAsync(_host)).Data["keyRings"], Is.EqualTo(1), "not in use for the moment");
        await _host.GetAsync("acme");

        Assert.That((await CheckAsync(_host)).Status, Is.EqualTo(HealthStatus.Healthy));
    }

    [Test]
    public async Task Of_too_many_tenants_the_rest_is_no_trouble_of_AWS_and_comes_first_the_next_time()
    {
        const int Tenants = 200;
        for (var i = 0; i < Tenants; i++)
        {
            _host.Store[$"tenant-{i}"] = _world.Settings("AccessKeys");
            await _host.GetAsync($"tenant-{i}");
        }

        _world.Aws.Faults.Add(Fault.BlackHole() with { Times = 32 });
        var check = CheckAsync(_host);
        await _world.ReceivedAsync("DescribeKey", 32);
        _world.Time.Advance(TimeSpan.FromSeconds(5));
        var report = await check;

        Assert.That(report.Status, Is.EqualTo(HealthStatus.Unhealthy));
        Assert.That((report.Data["failed"], report.Data["notChecked"]), Is.EqualTo((32, Tenants - 32)));
        Assert.That(report.Description, Is.EqualTo(
            "32 of 200 key rings are not healthy: 32 ServiceUnavailable (Aws); 168 were not reached in time and are checked first next "
            + "time."));

        _world.Time.Advance(TimeSpan.FromSeconds(5)); // the 32 give up
        report = await CheckAsync(_host);
        Assert.That(_world.Aws.Log.Count("DescribeKey"), Is.EqualTo(Tenants), "each once");
        Assert.That(report.Data["notChecked"], Is.Zero);
        _world.Time.Advance(Minute);
        Assert.That((await CheckAsync(_host)).Status, Is.EqualTo(HealthStatus.Healthy));
    }

    private TenantHost Host(bool tellsAll)
    {
        // longer than a health check waits
        var host = new TenantHost(_world, o => o.Resilience.AttemptTimeout = o.Resilience.TotalTimeout, builder =>
        {
            builder.AddHealthCheck(configure: o => o.IncludeCustomerData = tellsAll);
            builder.Services.AddLogging();
            builder.Services.AddSingleton<ILoggerFactory>(_world.Logs);
        });
        host.Store["acme"] = _world.Settings("AccessKeys");
        host.Store["other"] = new ByokKeySettings { KeyArn = _otherKey.Arn, Credentials = _world.Settings("AccessKeys").Credentials };
        return host;
    }

    private static async Task<HealthReportEntry> CheckAsync(TenantHost host) =>
        (await host.Services.GetRequiredService<HealthCheckService>().CheckHealthAsync()).Entries["byok"];
}
