using LocalAws;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Scalr.Byok.Kms.Kms;
using Scalr.Byok.Kms.Tests.World;

namespace Scalr.Byok.Kms.Tests.Health;

/// <summary>
/// The owner of a problem decides how bad it is for the host: customers and AWS over the wire, through the real health check service.
/// </summary>
internal sealed class HealthCheckTests
{
    private ByokWorld _world = null!;
    private HealthHost _host = null!;

    [SetUp]
    public async Task StartAsync()
    {
        _world = await ByokWorld.StartAsync();
        _host = new HealthHost(_world);
    }

    [TearDown]
    public async Task StopAsync() => await _world.DisposeAsync();

    [Test]
    public async Task All_well_is_healthy()
    {
        var entry = await _host.Add("").Add("globex", "AssumeRole").Add("acme", "Oidc").Check().RunAsync(); // the token names the ring

        Demand(entry, HealthStatus.Healthy, "All 3 key rings are healthy.", failed: 0, warned: 0);
        Assert.That(entry.Data["keyRings"], Is.EqualTo(3));
    }

    [Test]
    public async Task One_ring_that_is_well_is_healthy() =>
        Demand(await _host.Add("").Check().RunAsync(), HealthStatus.Healthy, "The key ring is healthy.", failed: 0, warned: 0);

    [Test]
    public async Task No_ring_at_all_is_healthy() =>
        Demand(await _host.Check().RunAsync(), HealthStatus.Healthy, "There is no key ring to check.", failed: 0, warned: 0);

    [Test]
    public async Task A_recommendation_is_healthy()
    {
        var key = _world.Customer.CreateKey(ByokWorld.Region);
        _world.User.Policy = Policies.Permissions("*");

        var entry = await _host.Add("", change: settings => settings.KeyArn = key.Arn).Check().RunAsync();

        Demand(entry, HealthStatus.Healthy, "The key ring is healthy.", failed: 0, warned: 0);
    }

    [TestCase(null, HealthStatus.Degraded)]
    [TestCase(HealthStatus.Healthy, HealthStatus.Healthy)]
    [TestCase(HealthStatus.Degraded, HealthStatus.Degraded)]
    [TestCase(HealthStatus.Unhealthy, HealthStatus.Unhealthy)]
    public async Task A_customer_who_pulls_the_key_is_what_the_host_says(HealthStatus? customerFailureStatus, HealthStatus expected)
    {
        var pulled = _world.Customer.CreateKey(ByokWorld.Region, multiRegion: true);
        pulled.Disable();
        _world.User.Policy = Policies.Permissions("*");

        var entry = await _host.Add("acme").Add("globex", change: settings => settings.KeyArn = pulled.Arn)
            .Check(options => options.CustomerFailureStatus = customerFailureStatus ?? options.CustomerFailureStatus).RunAsync();

        Demand(entry, expected, "1 of 2 key rings are not healthy: 1 KeyDisabled (Customer).", failed: 1, warned: 0);
    }

    [Test]
    public async Task The_only_ring_that_fails_for_its_customers_reason_does_not_fail_the_host()
    {
        _world.Key.Disable();

        Demand(
            await _host.Add("").Check().RunAsync(),
            HealthStatus.Degraded,
            "The key ring is not healthy: KeyDisabled (Customer).",
            failed: 1,
            warned: 0);
    }

    [Test]
    public async Task Every_one_of_several_rings_that_fails_fails_the_host(
        [Values(HealthStatus.Unhealthy, HealthStatus.Degraded)] HealthStatus failureStatus)
    {
        _world.Key.Disable();

        var entry = await _host.Add("acme")
            .Add("globex")
            .Check(options => options.CustomerFailureStatus = HealthStatus.Healthy, failureStatus)
            .RunAsync();

        Demand(entry, failureStatus, "2 of 2 key rings are not healthy: 2 KeyDisabled (Customer).", failed: 2, warned: 0);
    }

    [Test]
    public async Task A_host_whose_identity_is_rejected_fails(
        [Values(HealthStatus.Unhealthy, HealthStatus.Degraded)] HealthStatus failureStatus)
    {
        _world.HostKey.Active = false;

        var entry = await _host.Add("acme").Add("globex", "AssumeRole").Check(failureStatus: failureStatus).RunAsync();

        Demand(entry, failureStatus, "1 of 2 key rings are not healthy: 1 HostAtFault (Host).", failed: 1, warned: 0);
    }

    [Test]
    public async Task An_outage_of_AWS_fails_the_host()
    {
        _world.Aws.Faults.Add(Fault.Error("KMSInternalException", 500));

        var entry = await _host.Add("").Check(options => options.CustomerFailureStatus = HealthStatus.Healthy).RunAsync();

        Demand(entry, HealthStatus.Unhealthy, "The key ring is not healthy: ServiceUnavailable (Aws).", failed: 1, warned: 0);
    }

    [Test]
    public async Task The_worst_status_counts_where_trouble_is_both_the_hosts_and_a_customers()
    {
        _world.HostKey.Active = false;
        _world.AccessKey.Active = false;

        var entry = await _host.Add("acme").Add("globex", "AssumeRole")
            .Check(options => options.CustomerFailureStatus = HealthStatus.Unhealthy, HealthStatus.Degraded).RunAsync();

        Demand(
            entry,
            HealthStatus.Unhealthy,
            "2 of 2 key rings are not healthy: 1 HostAtFault (Host), 1 CredentialsRejected (Customer).",
            failed: 2,
            warned: 0);
    }

    [TestCase(HealthStatus.Degraded, HealthStatus.Degraded)]
    [TestCase(HealthStatus.Unhealthy, HealthStatus.Degraded)]
    [TestCase(HealthStatus.Healthy, HealthStatus.Healthy)]
    public async Task A_warning_degrades_the_host_unless_it_is_muted(HealthStatus customerFailureStatus, HealthStatus expected)
    {
        _world.User.Policy = Policies.Permissions(_world.Key.Arn, "kms:Encrypt", "kms:Decrypt");

        var entry = await _host.Add("").Check(options => options.CustomerFailureStatus = customerFailureStatus).RunAsync();

        Demand(entry, expected, "The key ring is not healthy: DescribeKeyDenied (Customer).", failed: 0, warned: 1);
    }

    [Test]
    public async Task A_finding_without_a_known_owner_is_not_put_down_to_the_customer()
    {
        var finding = HealthHost.Finding("Odd", ByokKeyFindingSeverity.Error, ByokKeyFindingOwner.Unknown);

        var entry = await _host.AddMock("acme", () => Task.FromResult(_host.Health(HealthStatus.Unhealthy, finding)))
            .Check(options => options.CustomerFailureStatus = HealthStatus.Healthy).RunAsync();

        Demand(entry, HealthStatus.Unhealthy, "The key ring is not healthy: Odd (Unknown).", failed: 1, warned: 0);
    }

    [TestCase(new ByokKeyFindingSeverity[0], HealthStatus.Healthy)]
    [TestCase(new[] { ByokKeyFindingSeverity.Information }, HealthStatus.Healthy)]
    [TestCase(new[] { ByokKeyFindingSeverity.Information, ByokKeyFindingSeverity.Unknown }, HealthStatus.Degraded)]
    [TestCase(new[] { ByokKeyFindingSeverity.Error, ByokKeyFindingSeverity.Unknown }, HealthStatus.Unhealthy)]
    public void A_finding_of_unknown_severity_is_at_least_a_warning(ByokKeyFindingSeverity[] severities, HealthStatus expected) =>
        Assert.That(KeyExamination.StatusOf(severities.Select(severity => HealthHost.Finding("Odd", severity))), Is.EqualTo(expected));

    [Test]
    public async Task A_warning_that_is_not_the_customers_is_not_muted()
    {
        _ = _world.Key.Replicate("us-east-2");
        _world.Aws.Faults.Add(Fault.Error("KMSInternalException", 500) with { Region = "us-east-2" });

        var entry = await _host.Add("", change: settings => settings.ReplicaRegions = ["us-east-2"])
            .Check(options => options.CustomerFailureStatus = HealthStatus.Healthy).RunAsync();

        Demand(entry, HealthStatus.Degraded, "The key ring is not healthy: ReplicaStateUnknown (Aws).", failed: 0, warned: 1);
    }

    [Test]
    public async Task All_warnings_and_failures_are_counted_worst_first()
    {
        var pulled = _world.Customer.CreateKey(ByokWorld.Region, multiRegion: true);
        pulled.Disable();
        _world.User.Policy = Policies.Permissions("*");
        _world.HostKey.Active = false;

        var entry = await _host.Add("a", change: settings => settings.ReplicaRegions = ["us-east-2"])
            .Add("b", change: settings => settings.KeyArn = pulled.Arn)
                .Add("c", "AssumeRole").Add("d", "AssumeRole").Add("e").Check().RunAsync();

        Demand(
            entry,
            HealthStatus.Unhealthy,
            "4 of 5 key rings are not healthy: 2 HostAtFault (Host), 1 KeyDisabled (Customer), 1 ReplicaMissing (Customer).",
            failed: 3, warned: 1);
    }

    private static void Demand(HealthReportEntry entry, HealthStatus status, string description, int failed, int warned)
    {
        Assert.That((entry.Status, entry.Description), Is.EqualTo((status, description)));
        Assert.That((entry.Data["failed"], entry.Data["warned"], entry.Data["notChecked"]), Is.EqualTo((failed, warned, 0)));
        Assert.That(entry.Exception, Is.Null);
    }
}
