using System.Text.Json.Nodes;
using LocalAws;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Scalr.Byok.Kms.Tests.World;
using static Scalr.Byok.Kms.Tests.Health.Findings;

namespace Scalr.Byok.Kms.Tests.Health;

/// <summary>Answers of kms:DescribeKey that LocalAws does not give by itself, written out.</summary>
internal sealed class ProbeAnswerTests
{
    private ByokWorld _world = null!;
    private LocalKey _replica = null!;

    [SetUp]
    public async Task StartAsync()
    {
        _world = await ByokWorld.StartAsync();
        _replica = _world.Key.Replicate("us-east-2");
        _world.User.Policy = Policies.Permissions("*");
    }

    [TearDown]
    public async Task StopAsync() => await _world.DisposeAsync();

    [Test]
    public async Task A_key_that_AWS_manages_is_not_in_its_owners_hand()
    {
        var health = await ProbeAsync(key => key["KeyManager"] = "AWS");

        health.DemandFindings(
            "Warning AwsManagedKey (Customer): The key is an AWS managed key: its owner can neither disable nor delete it, nor change "
            + "its key policy. "
            + "Create a customer managed key and give its ARN.");
        Assert.That((health.Status, health.KeyManager), Is.EqualTo((HealthStatus.Degraded, "AWS")));
    }

    [Test]
    public async Task A_state_that_this_library_does_not_know_is_a_finding_and_no_denial(
        [Values("Hibernating", "4", "Unknown", "Enabled, Disabled")] string state)
    {
        var health = await ProbeAsync(key => key["KeyState"] = state);

        health.DemandFindings(
            "Warning KeyStateUnknown (Host): The key is in a state that this version of the library does not know. "
            + "Update the library. Until then, encryption and decryption show whether the key can be used.");
        Assert.That(
            (health.Status, health.KeyState, health.Reason),
            Is.EqualTo((HealthStatus.Degraded, KmsKeyState.Unknown, (ByokKeyUnavailableReason?)null)));
    }

    [Test]
    public async Task A_symmetric_key_for_something_else_is_told_by_its_usage()
    {
        var health = await ProbeAsync(key => key["KeyUsage"] = "SOMETHING_ELSE");

        health.DemandFindings(
            "Error UnsupportedKeyUsage (Customer): The key cannot be used to encrypt and decrypt. "
            + "Create a symmetric key whose usage is ENCRYPT_DECRYPT and give its ARN.");
        Assert.That((health.Reason, health.KeyUsage), Is.EqualTo((ByokKeyUnavailableReason.UnsupportedKeyUsage, "SOMETHING_ELSE")));
    }

    [Test]
    public async Task An_answer_that_lacks_a_field_is_a_finding([Values("KeyState", "KeySpec", "KeyUsage", "Arn")] string member)
    {
        var health = await ProbeAsync(key => key.Remove(member));

        health.DemandFindings(Incomplete(member));
        Assert.That((health.Status, health.Reason), Is.EqualTo((HealthStatus.Degraded, (ByokKeyUnavailableReason?)null)));
        Assert.That(health.KeyState, Is.EqualTo(member == "KeyState" ? KmsKeyState.Unknown : KmsKeyState.Enabled));
    }

    [Test]
    public async Task What_an_incomplete_answer_does_tell_is_told()
    {
        var health = await ProbeAsync(key =>
        {
            key.Remove("Arn");
            key.Remove("KeySpec");
            key["KeyState"] = "Disabled";
        });

        Assert.That(health.Findings.Select(finding => finding.Code), Is.EqualTo(These("KeyDisabled", "DescriptionIncomplete")));
        Assert.That((health.Status, health.Reason), Is.EqualTo((HealthStatus.Unhealthy, ByokKeyUnavailableReason.KeyDisabled)));
    }

    [Test]
    public async Task An_answer_without_metadata_is_no_answer([Values("{}", "{\"KeyMetadata\":null}")] string body)
    {
        _world.Aws.Faults.Add(Fault.Body(200, "application/x-amz-json-1.1", body));

        var health = await _world.Ring("AccessKeys").ProbeAsync();

        Assert.That(health.Findings.Select(finding => finding.Code), Is.EqualTo(These(ByokKeyFindingCode.ServiceUnavailable)));
    }

    [Test]
    public async Task A_replicas_answer_that_lacks_a_field_is_a_finding()
    {
        Answer(_replica.Arn, key => key.Remove("KeyState"));

        var health = await _world.Ring("AccessKeys", settings => settings.ReplicaRegions = ["us-east-2"]).ProbeAsync();

        health.DemandFindings(Incomplete("KeyState", "us-east-2"));
    }

    [Test]
    public async Task Incomplete_answers_to_DescribeKey_stop_no_call()
    {
        var ring = _world.Ring("AccessKeys", options: o => (o.Resilience.BreakerMinimumThroughput, o.Resilience.MaxRetryAttempts) = (2, 0));
        Answer(_world.Key.Arn, key => key.Remove("KeyState"));

        for (var i = 0; i < 20; i++)
        {
            _ = await ring.ProbeAsync();
            Assert.That(await ring.DecryptAsync(await ring.EncryptAsync(new byte[1])), Has.Length.EqualTo(1));
        }
    }

    [Test]
    public async Task An_answer_for_another_key_is_not_used()
    {
        var health = await ProbeAsync(key => key["Arn"] = _replica.Arn);

        health.DemandFindings(
            Findings.HostAtFault($"AWS KMS answered kms:DescribeKey for another key than {_world.Key.Arn}. The answer was not used."));
    }

    [Test]
    public async Task An_answer_without_what_is_only_told_is_enough()
    {
        var health = await ProbeAsync(key =>
        {
            foreach (var member in key.Select(pair => pair.Key).Except(["Arn", "KeyState", "KeySpec", "KeyUsage", "MultiRegion"]).ToList())
            {
                key.Remove(member);
            }
        });

        health.DemandFindings();
        Assert.That((health.Origin, health.KeyManager, health.PrimaryRegion), Is.EqualTo(((string?)null, (string?)null, (string?)null)));
        Assert.That(health.Status, Is.EqualTo(HealthStatus.Healthy));
    }

    [Test]
    public async Task A_multi_Region_key_that_does_not_tell_its_Regions_has_no_replica_missing()
    {
        Answer(_world.Key.Arn, key => key.Remove("MultiRegionConfiguration"));

        var health = await _world.Ring("AccessKeys", settings => settings.ReplicaRegions = ["us-east-2"]).ProbeAsync();

        health.DemandFindings();
        Assert.That(
            _world.Aws.Log.Requests.Select(request => request.Region),
            Is.EqualTo(These("us-east-1", "us-east-2")),
            "the replica was looked at all the same");
    }

    [Test]
    public async Task A_primary_that_is_not_told_is_not_made_up()
    {
        var health = await ProbeAsync(key => key["MultiRegionConfiguration"]!.AsObject().Remove("PrimaryKey"));

        Assert.That(health.PrimaryRegion, Is.Null);
        Assert.That(health.ReplicaRegions, Is.EqualTo(These("us-east-2")));
    }

    private static string Incomplete(string member, string region = ByokWorld.Region) =>
        $"Warning DescriptionIncomplete (Host): The answer to kms:DescribeKey in Region {region} lacks {member}. "
        + "AWS KMS always sends them. If Endpoints:Kms names another server, its operator has to complete the answer.";

    private Task<ByokKeyHealth> ProbeAsync(Action<JsonObject> change)
    {
        Answer(_world.Key.Arn, change);
        return _world.Ring("AccessKeys").ProbeAsync();
    }

    /// <summary>A good answer, but for the change.</summary>
    private void Answer(string arn, Action<JsonObject> change)
    {
        var key = new JsonObject
        {
            ["AWSAccountId"] = ByokWorld.CustomerAccount,
            ["KeyId"] = _world.Key.KeyId,
            ["Arn"] = arn,
            ["CreationDate"] = 1750000000.25,
            ["Enabled"] = true,
            ["KeyUsage"] = "ENCRYPT_DECRYPT",
            ["KeyState"] = "Enabled",
            ["Origin"] = "AWS_KMS",
            ["KeyManager"] = "CUSTOMER",
            ["KeySpec"] = "SYMMETRIC_DEFAULT",
            ["MultiRegion"] = true,
            ["MultiRegionConfiguration"] = new JsonObject
            {
                ["MultiRegionKeyType"] = "PRIMARY",
                ["PrimaryKey"] = new JsonObject { ["Arn"] = _world.Key.Arn, ["Region"] = "us-east-1" },
                ["ReplicaKeys"] = new JsonArray(new JsonObject { ["Arn"] = _replica.Arn, ["Region"] = "us-east-2" }),
            },
        };
        change(key);
        var body = new JsonObject { ["KeyMetadata"] = key }.ToJsonString();
        _world.Aws.Faults.Add(Fault.Body(200, "application/x-amz-json-1.1", body) with { Operation = "DescribeKey", Key = arn });
    }
}
