using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Options;
using Scalr.Byok.Kms.Tests.World;

namespace Scalr.Byok.Kms.Tests.Health;

/// <summary>How a host adds the health check, and which rings it looks at.</summary>
internal sealed class HealthCheckRegistrationTests
{
    private ByokWorld _world = null!;
    private HealthHost _host = null!;

    public static IEnumerable<TestCaseData> WrongOptions()
    {
        yield return Wrong("MaxReported below 0", options => options.MaxReported = -1);
        yield return Wrong("MaxAge below 0", options => options.MaxAge = TimeSpan.FromTicks(-1));
        yield return Wrong("no Timeout", options => options.Timeout = TimeSpan.Zero);
        yield return Wrong("endless Timeout", options => options.Timeout = Timeout.InfiniteTimeSpan);
        yield return Wrong("Timeout above 1 hour", options => options.Timeout = TimeSpan.FromHours(1) + TimeSpan.FromTicks(1));
        yield return Wrong("no status", options => options.CustomerFailureStatus = (HealthStatus)3);
    }

    [SetUp]
    public async Task StartAsync()
    {
        _world = await ByokWorld.StartAsync();
        _host = new HealthHost(_world);
    }

    [TearDown]
    public async Task StopAsync() => await _world.DisposeAsync();

    [Test]
    public void By_default_it_is_named_byok_and_fails_as_unhealthy()
    {
        _host.Services.AddScalrByok().AddHealthCheck();

        var registration = Registrations().Single();
        Assert.That((registration.Name, registration.FailureStatus), Is.EqualTo(("byok", HealthStatus.Unhealthy)));
        Assert.That(registration.Tags, Is.Empty);
    }

    [Test]
    public void Name_status_and_tags_are_taken_on_both_builders()
    {
        var byok = _host.Services.AddScalrByok();
        Assert.That(byok.AddHealthCheck("keys", HealthStatus.Degraded, ["ready", "kms"]), Is.SameAs(byok));
        var checks = _host.Services.AddHealthChecks();
        Assert.That(checks.AddByokKeyRings("keys too", HealthStatus.Degraded, ["ready", "kms"]), Is.SameAs(checks));

        var registrations = Registrations().ToList();
        Assert.That(registrations.Select(registration => registration.Name), Is.EqualTo(Findings.These("keys", "keys too")));
        Assert.That(registrations.Select(registration => registration.FailureStatus), Is.All.EqualTo(HealthStatus.Degraded));
        Assert.That(registrations.Select(registration => registration.Tags), Is.All.EquivalentTo(Findings.These("kms", "ready")));
    }

    [Test]
    public void Options_have_the_defaults_that_are_documented()
    {
        var options = new ByokHealthCheckOptions();

        Assert.That(
            (options.KeyRing, options.CustomerFailureStatus, options.IncludeCustomerData),
            Is.EqualTo(((string?)null, HealthStatus.Degraded, false)));
        Assert.That(
            (options.MaxReported, options.MaxAge, options.Timeout), Is.EqualTo((10, TimeSpan.FromSeconds(60), TimeSpan.FromSeconds(5))));
    }

    [TestCaseSource(nameof(WrongOptions))]
    public void Wrong_options_are_refused_at_once(Action<ByokHealthCheckOptions> configure)
    {
        var builder = _host.Services.AddScalrByok();

        Assert.That(
            () => builder.AddHealthCheck(configure: configure),
            Throws.TypeOf<ArgumentOutOfRangeException>().With.Property("ParamName").EqualTo("configure"));
    }

    [Test]
    public void Null_is_refused()
    {
        Assert.That(() => ((IByokBuilder)null!).AddHealthCheck(), Throws.ArgumentNullException);
        Assert.That(() => ((IHealthChecksBuilder)null!).AddByokKeyRings(), Throws.ArgumentNullException);
    }

    [Test]
    public async Task One_named_ring_is_looked_at_alone()
    {
        _world.HostKey.Active = false;

        var entry = await _host.Add("").Add("acme").Add("globex", "AssumeRole").Check(options => options.KeyRing = "acme").RunAsync();

        Assert.That((entry.Status, entry.Description), Is.EqualTo((HealthStatus.Healthy, "The key ring is healthy.")));
        Assert.That(_world.Aws.Log.Requests, Has.Count.EqualTo(1));
    }

    [Test]
    public async Task The_ring_without_a_name_is_looked_at_alone()
    {
        var entry = await _host.Add("").Add("globex", "AssumeRole").Check(options => options.KeyRing = "").RunAsync();

        Assert.That((entry.Description, _world.Aws.Log.Count("AssumeRole")), Is.EqualTo(("The key ring is healthy.", 0)));
    }

    [Test]
    public async Task A_ring_that_was_not_added_is_told([Values("initech", "")] string name)
    {
        var entry = await _host.Add("acme").Check(options => options.KeyRing = name).RunAsync();

        Assert.That((entry.Status, entry.Description), Is.EqualTo(
            (HealthStatus.Unhealthy, $"The health check is for the key ring '{name}', which was not added with AddKeyRing.")));
        Assert.That(_world.Aws.Log.Requests, Is.Empty);
    }

    [Test]
    public async Task Rings_that_are_added_after_the_health_check_are_looked_at_too()
    {
        var entry = await _host.Check().Add("acme").Add("globex").RunAsync();

        Assert.That(entry.Data["keyRings"], Is.EqualTo(2));
    }

    [Test]
    public async Task Two_health_checks_have_options_of_their_own_and_share_the_probes()
    {
        _world.Key.Disable();
        _host.Add("").Check().Services.AddHealthChecks().AddByokKeyRings(
            "strict", configure: options => options.CustomerFailureStatus = HealthStatus.Unhealthy);

        var report = await _host.Provider.GetRequiredService<HealthCheckService>().CheckHealthAsync();

        Assert.That(
            (report.Entries["byok"].Status, report.Entries["strict"].Status), Is.EqualTo((HealthStatus.Degraded, HealthStatus.Unhealthy)));
        Assert.That(_world.Aws.Log.Count("DescribeKey"), Is.EqualTo(1));
    }

    private static TestCaseData Wrong(string name, Action<ByokHealthCheckOptions> configure) =>
        new TestCaseData(configure).SetArgDisplayNames(name);

    private ICollection<HealthCheckRegistration> Registrations() =>
        _host.Provider.GetRequiredService<IOptions<HealthCheckServiceOptions>>().Value.Registrations;
}
