using LocalAws;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Scalr.Byok.Kms.Tests.World;
using static Scalr.Byok.Kms.Tests.Health.Findings;

namespace Scalr.Byok.Kms.Tests.Health;

/// <summary>What a probe makes of a multi-Region key's replicas: those of the settings against those that there are.</summary>
internal sealed class ProbeReplicaTests
{
    private const string Other = "us-east-2";

    private ByokWorld _world = null!;
    private DateTimeOffset _now;

    [SetUp]
    public async Task StartAsync()
    {
        _world = await ByokWorld.StartAsync();
        _now = _world.StartFullHour();
        _world.User.Policy = Policies.Permissions("*");
    }

    [TearDown]
    public async Task StopAsync() => await _world.DisposeAsync();

    [Test]
    public async Task Primary_and_replicas_are_told_as_the_key_tells_them()
    {
        _ = _world.Key.Replicate("eu-west-1");
        _ = _world.Key.Replicate(Other);

        var health = await Ring(Other).ProbeAsync();

        health.DemandFindings();
        Assert.That((health.Status, health.PrimaryRegion), Is.EqualTo((HealthStatus.Healthy, "us-east-1")));
        Assert.That(health.ReplicaRegions, Is.EqualTo(These("eu-west-1", Other)));
        Assert.That(
            _world.Aws.Log.Requests.Select(request => (request.Operation, request.Region)),
            Is.EquivalentTo(new[] { ("DescribeKey", "us-east-1"), ("DescribeKey", Other) }),
            "only the Regions of the settings are asked");
    }

    [Test]
    public async Task A_Region_without_a_replica_is_missing_and_is_not_asked()
    {
        var health = await Ring(Other).ProbeAsync();

        health.DemandFindings(Findings.ReplicaMissing(Other));
        Assert.That((health.Status, health.Reason), Is.EqualTo((HealthStatus.Degraded, (ByokKeyUnavailableReason?)null)));
        Assert.That(_world.Aws.Log.Requests, Has.Count.EqualTo(1));
    }

    [Test]
    public async Task A_replica_that_is_disabled_degrades_the_key()
    {
        _world.Key.Replicate(Other).Disable();

        var health = await Ring(Other).ProbeAsync();

        health.DemandFindings(
            $"Warning ReplicaUnusable (Customer): The replica in Region {Other} cannot be used. The key is disabled. Enable the key in "
            + "AWS KMS.");
        Assert.That(
            (health.Status, health.KeyState, health.Reason),
            Is.EqualTo((HealthStatus.Degraded, KmsKeyState.Enabled, (ByokKeyUnavailableReason?)null)));
    }

    [Test]
    public async Task A_replica_that_is_pending_deletion_tells_the_date()
    {
        _world.Key.Replicate(Other).ScheduleDeletion(7);

        var health = await Ring(Other).ProbeAsync();

        health.DemandFindings(
            $"Warning ReplicaUnusable (Customer): The replica in Region {Other} cannot be used. "
            + $"The key is scheduled for deletion on {_now.AddDays(7):yyyy-MM-dd HH:mm} UTC (7 days left). "
            + "Cancel the deletion in AWS KMS and enable the key; once it is deleted, data encrypted under it is lost.");
        Assert.That(health.DeletionDate, Is.Null, "the key itself stays");
    }

    [Test]
    public async Task A_replica_that_may_not_be_described_is_not_seen()
    {
        var replica = _world.Key.Replicate(Other);
        _world.User.Policy = Policies.Permissions(_world.Key.Arn);

        var health = await Ring(Other).ProbeAsync();

        health.DemandFindings(
            $"Warning ReplicaStateUnknown (Customer): The replica in Region {Other} could not be queried. "
            + "The host cannot see problems of the key coming: kms:DescribeKey on it is not allowed. "
            + $"Grant kms:DescribeKey on {replica.Arn} to the user or role; encryption and decryption do not need it.");
        Assert.That((health.Status, health.Reason), Is.EqualTo((HealthStatus.Degraded, (ByokKeyUnavailableReason?)null)));
    }

    [Test]
    public async Task A_Region_that_cannot_be_reached_leaves_its_replica_not_seen()
    {
        var replica = _world.Key.Replicate(Other);
        _world.Aws.Faults.Add(Fault.Error("KMSInternalException", 500) with { Region = Other });

        var health = await Ring(Other).ProbeAsync();

        health.DemandFindings(
            $"Warning ReplicaStateUnknown (Aws): The replica in Region {Other} could not be queried. kms:DescribeKey for the key "
            + $"{replica.Arn} failed: "
            + "AWS answered KMSInternalException. Try again later. The key itself is not the cause. Wait and try again. No change is "
                + "needed.");
        Assert.That(health.Status, Is.EqualTo(HealthStatus.Degraded));
    }

    [Test]
    public async Task A_Region_whose_STS_is_off_leaves_its_replica_not_seen()
    {
        _ = _world.Key.Replicate(Other);
        _world.AssumedRole.Policy = Policies.Permissions("*");
        _world.Aws.Faults.Add(Fault.Error("RegionDisabledException", 403) with { Service = "sts", Region = Other });

        var health = await _world.Ring("AssumeRole", settings => settings.ReplicaRegions = [Other]).ProbeAsync();

        health.DemandFindings(
            $"Warning ReplicaStateUnknown (Customer): The replica in Region {Other} could not be queried. "
            + $"AWS STS is not activated in Region {Other} of the account. "
            + $"Activate AWS STS for Region {Other} in the IAM account settings.");
    }

    [Test]
    public async Task The_rings_own_key_may_be_a_replica()
    {
        var replica = _world.Key.Replicate(Other);
        _world.Key.Disable();

        var health = await _world.Ring("AccessKeys", settings =>
        {
            settings.KeyArn = replica.Arn;
            settings.ReplicaRegions = ["us-east-1"];
        }).ProbeAsync();

        health.DemandFindings(
            "Warning ReplicaUnusable (Customer): The replica in Region us-east-1 cannot be used. The key is disabled. Enable the key in "
            + "AWS KMS.");
        Assert.That(
            (health.KeyArn.ToString(), health.KeyState, health.PrimaryRegion), Is.EqualTo((replica.Arn, KmsKeyState.Enabled, "us-east-1")));
        Assert.That(health.ReplicaRegions, Is.EqualTo(These(Other)));
    }

    [Test]
    public async Task Findings_stand_worst_first()
    {
        var key = _world.Customer.CreateKey(ByokWorld.Region, multiRegion: true, origin: "EXTERNAL");
        key.ImportMaterial(_now.AddDays(20));
        _ = key.Replicate("us-west-2");
        key.Disable();
        _world.Aws.Faults.Add(Fault.Error("KMSInternalException", 500) with { Region = "us-west-2" });

        var health = await _world.Ring("AccessKeys", settings =>
        {
            settings.KeyArn = key.Arn;
            settings.ReplicaRegions = [Other, "us-west-2"];
        }, options => options.AllowedRegions = ["us-east-1", Other, "us-west-2"]).ProbeAsync();

        Assert.That(health.Findings.Select(finding => $"{finding.Severity} {finding.Code}"), Is.EqualTo(These(
            "Error KeyDisabled",
            "Warning KeyMaterialExpires",
            "Warning ReplicaMissing",
            "Warning ReplicaStateUnknown",
            "Information AutomaticRotationUnsupported")));
        Assert.That(health.ToString(), Is.EqualTo(
            $"{key.Arn}: Unhealthy (KeyDisabled, KeyMaterialExpires, ReplicaMissing, ReplicaStateUnknown, AutomaticRotationUnsupported)"));
    }

    private IByokKeyRing Ring(params string[] regions) => _world.Ring("AccessKeys", settings => settings.ReplicaRegions = regions);
}
