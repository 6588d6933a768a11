using LocalAws;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Scalr.Byok.Kms.Tests.World;
using static Scalr.Byok.Kms.ByokKeyUnavailableReason;
using static Scalr.Byok.Kms.Tests.Health.Findings;

namespace Scalr.Byok.Kms.Tests.Health;

/// <summary>What a probe makes of every state and kind of key, in the words that the customer reads.</summary>
internal sealed class ProbeTests
{
    private ByokWorld _world = null!;
    private DateTimeOffset _now;

    public static IEnumerable<TestCaseData> UnusableStates()
    {
        yield return State(
            KmsKeyState.Disabled, key => key.Disable(), KeyDisabled,
            "Error KeyDisabled (Customer): The key is disabled. Enable the key in AWS KMS.");
        yield return State(
            KmsKeyState.PendingImport, key => key.HoldIn(LocalKeyState.PendingImport), KeyMaterialMissing,
            "Error KeyMaterialMissing (Customer): The key has no key material. Import the same key material into the key again.");
        yield return State(
            KmsKeyState.Unavailable, key => key.HoldIn(LocalKeyState.Unavailable), KeyStoreUnavailable,
            "Error KeyStoreUnavailable (Customer): The custom key store that holds the key is not connected. Connect the custom key "
            + "store in AWS KMS.");
        yield return State(
            KmsKeyState.Creating, key => key.HoldIn(LocalKeyState.Creating), KeyStateInvalid,
            "Error KeyStateInvalid (Customer): The key's state allows no encryption or decryption. "
            + "Check the key's state in AWS KMS and change it to Enabled.");
        yield return State(
            KmsKeyState.PendingDeletion, key => key.HoldIn(LocalKeyState.PendingDeletion), KeyPendingDeletion,
            "Error KeyPendingDeletion (Customer): The key is scheduled for deletion. "
            + "Cancel the deletion in AWS KMS and enable the key; once it is deleted, data encrypted under it is lost.");
    }

    [SetUp]
    public async Task StartAsync()
    {
        _world = await ByokWorld.StartAsync();
        _now = _world.StartFullHour();
    }

    [TearDown]
    public async Task StopAsync() => await _world.DisposeAsync();

    [Test]
    public async Task A_key_that_is_enabled_is_healthy([ValueSource(typeof(ByokWorld), nameof(ByokWorld.CredentialTypes))] string type)
    {
        var health = await _world.Ring(type).ProbeAsync();

        health.DemandFindings();
        Assert.That(
            (health.Status, health.KeyState, health.Reason),
            Is.EqualTo((HealthStatus.Healthy, KmsKeyState.Enabled, (ByokKeyUnavailableReason?)null)));
        Assert.That((health.KeySpec, health.KeyUsage), Is.EqualTo(("SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT")));
        Assert.That((health.Origin, health.KeyManager), Is.EqualTo(("AWS_KMS", "CUSTOMER")));
        Assert.That((health.DeletionDate, health.KeyMaterialExpiresAt), Is.EqualTo(((DateTimeOffset?)null, (DateTimeOffset?)null)));
        Assert.That((health.KeyArn.ToString(), health.CheckedAt), Is.EqualTo((_world.Key.Arn, _now)));
    }

    [TestCaseSource(nameof(UnusableStates))]
    public async Task A_key_that_cannot_be_used_is_unhealthy(
        KmsKeyState state, Action<LocalKey> change, ByokKeyUnavailableReason reason, string finding)
    {
        change(_world.Key);

        var health = await _world.Ring("AccessKeys").ProbeAsync();

        health.DemandFindings(finding);
        Assert.That((health.Status, health.KeyState, health.Reason), Is.EqualTo((HealthStatus.Unhealthy, state, reason)));
    }

    [TestCase(0, "30 days left")]
    [TestCase(12, "30 days left")]
    [TestCase(24, "29 days left")]
    [TestCase(28 * 24, "2 days left")]
    [TestCase(28 * 24 + 1, "2 days left")]
    [TestCase(29 * 24, "1 day left")]
    [TestCase(29 * 24 + 1, "less than a day left")]
    public async Task A_key_pending_deletion_tells_the_date_and_how_long_it_is_till_then(int hoursLater, string left)
    {
        _world.Key.ScheduleDeletion(30);
        _world.Time.Advance(TimeSpan.FromHours(hoursLater));

        var health = await _world.Ring("AccessKeys").ProbeAsync();

        health.DemandFindings(
            $"Error KeyPendingDeletion (Customer): The key is scheduled for deletion on {_now.AddDays(30):yyyy-MM-dd HH:mm} UTC ({left}). "
            + "Cancel the deletion in AWS KMS and enable the key; once it is deleted, data encrypted under it is lost.");
        Assert.That(
            (health.KeyState, health.Reason, health.DeletionDate),
            Is.EqualTo((KmsKeyState.PendingDeletion, KeyPendingDeletion, _now.AddDays(30))));
    }

    [Test]
    public async Task A_deletion_in_7_days_is_told_as_7_days([Values(0, 1, 60, 3600)] int secondsLater)
    {
        _world.Key.ScheduleDeletion(7);
        _world.Time.Advance(TimeSpan.FromSeconds(secondsLater));

        var health = await _world.Ring("AccessKeys").ProbeAsync();

        Assert.That(health.Findings[0].Message, Does.EndWith("UTC (7 days left)."));
    }

    [Test]
    public async Task A_primary_pending_deletion_that_waits_for_its_replicas_tells_so()
    {
        _ = _world.Key.Replicate("us-east-2");
        _world.Key.ScheduleDeletion(7);

        var health = await _world.Ring("AccessKeys").ProbeAsync();

        health.DemandFindings(
            "Error KeyPendingDeletion (Customer): The key is scheduled for deletion, 7 days after its last replica is gone. "
            + "Cancel the deletion in AWS KMS and enable the key; once it is deleted, data encrypted under it is lost.");
        Assert.That((health.KeyState, health.Reason), Is.EqualTo((KmsKeyState.PendingReplicaDeletion, KeyPendingDeletion)));
        Assert.That(health.DeletionDate, Is.Null);
    }

    [Test]
    public async Task A_key_that_is_updating_is_healthy()
    {
        _world.Key.HoldIn(LocalKeyState.Updating);

        var health = await _world.Ring("AccessKeys").ProbeAsync();

        health.DemandFindings(
            "Information KeyUpdating (Aws): AWS KMS is changing the key's primary Region; the key can be used meanwhile. Nothing needs "
            + "to be done.");
        Assert.That(
            (health.Status, health.KeyState, health.Reason),
            Is.EqualTo((HealthStatus.Healthy, KmsKeyState.Updating, (ByokKeyUnavailableReason?)null)));
    }

    [TestCase("RSA_2048", "ENCRYPT_DECRYPT")]
    [TestCase("RSA_4096", "SIGN_VERIFY")]
    [TestCase("ECC_NIST_P384", "KEY_AGREEMENT")]
    [TestCase("HMAC_256", "GENERATE_VERIFY_MAC")]
    public async Task A_key_that_is_not_symmetric_is_unhealthy(string spec, string usage)
    {
        var health =
            await Ring(_world.Customer.CreateKey(ByokWorld.Region, multiRegion: true, keySpec: spec, keyUsage: usage)).ProbeAsync();

        health.DemandFindings(
            "Error UnsupportedKeySpec (Customer): The key is not symmetric. Create a symmetric key (key spec SYMMETRIC_DEFAULT) and "
            + "give its ARN.");
        Assert.That(
            (health.Status, health.Reason, health.KeyState), Is.EqualTo((HealthStatus.Unhealthy, UnsupportedKeySpec, KmsKeyState.Enabled)));
        Assert.That((health.KeySpec, health.KeyUsage), Is.EqualTo((spec, usage)));
    }

    [Test]
    public async Task A_key_of_another_kind_that_is_disabled_too_is_not_worth_enabling()
    {
        var key = _world.Customer.CreateKey(ByokWorld.Region, multiRegion: true, keySpec: "RSA_2048");
        key.Disable();

        var health = await Ring(key).ProbeAsync();

        Assert.That((health.KeyState, health.Reason, health.Findings.Count), Is.EqualTo((KmsKeyState.Disabled, UnsupportedKeySpec, 1)));
    }

    [Test]
    public async Task A_single_Region_key_is_healthy_and_a_multi_Region_key_is_recommended()
    {
        var health = await Ring(_world.Customer.CreateKey(ByokWorld.Region)).ProbeAsync();

        health.DemandFindings(Findings.SingleRegion);
        Assert.That((health.Status, health.PrimaryRegion), Is.EqualTo((HealthStatus.Healthy, (string?)null)));
        Assert.That(health.ReplicaRegions, Is.Empty);
    }

    [Test]
    public async Task Imported_key_material_that_never_expires_is_healthy_but_does_not_rotate()
    {
        var key = _world.Customer.CreateKey(ByokWorld.Region, multiRegion: true, origin: "EXTERNAL");
        key.ImportMaterial();

        var health = await Ring(key).ProbeAsync();

        health.DemandFindings(Findings.AutomaticRotationUnsupported("EXTERNAL"));
        Assert.That(
            (health.Status, health.Origin, health.KeyMaterialExpiresAt),
            Is.EqualTo((HealthStatus.Healthy, "EXTERNAL", (DateTimeOffset?)null)));
    }

    [TestCase(1, ByokKeyFindingSeverity.Warning, HealthStatus.Degraded, "less than a day left")]
    [TestCase(30 * 24, ByokKeyFindingSeverity.Warning, HealthStatus.Degraded, "30 days left")]
    [TestCase(30 * 24 + 1, ByokKeyFindingSeverity.Information, HealthStatus.Healthy, "31 days left")]
    [TestCase(365 * 24, ByokKeyFindingSeverity.Information, HealthStatus.Healthy, "365 days left")]
    public async Task Imported_key_material_that_expires_is_a_warning_from_30_days_before(
        int hours, ByokKeyFindingSeverity severity, HealthStatus status, string left)
    {
        var key = _world.Customer.CreateKey(ByokWorld.Region, multiRegion: true, origin: "EXTERNAL");
        var expiry = _now.AddHours(hours);
        key.ImportMaterial(expiry);

        var health = await Ring(key).ProbeAsync();

        health.DemandFindings(
            $"{severity} KeyMaterialExpires (Customer): The imported key material expires on {expiry:yyyy-MM-dd HH:mm} UTC ({left}); "
            + "from then on nothing can be encrypted or decrypted. Import the same key material again before that day, with a later "
                + "expiration date or none.",
            Findings.AutomaticRotationUnsupported("EXTERNAL"));
        Assert.That(
            (health.Status, health.Reason, health.KeyMaterialExpiresAt), Is.EqualTo((status, (ByokKeyUnavailableReason?)null, expiry)));
    }

    [Test]
    public async Task Imported_key_material_that_has_expired_is_missing()
    {
        var key = _world.Customer.CreateKey(ByokWorld.Region, multiRegion: true, origin: "EXTERNAL");
        key.ImportMaterial(_now.AddMinutes(5));
        _world.Time.Advance(TimeSpan.FromMinutes(5));

        var health = await Ring(key).ProbeAsync();

        Assert.That(
            health.Findings.Select(finding => finding.Code), Is.EqualTo(These("KeyMaterialMissing", "AutomaticRotationUnsupported")));
        Assert.That(
            (health.Status, health.KeyState, health.Reason),
            Is.EqualTo((HealthStatus.Unhealthy, KmsKeyState.PendingImport, KeyMaterialMissing)));
    }

    [TestCase("AWS_CLOUDHSM")]
    [TestCase("EXTERNAL_KEY_STORE")]
    public async Task A_key_in_a_custom_key_store_does_not_rotate_and_is_not_told_to_be_a_multi_Region_key(string origin)
    {
        // AWS has no multi-Region keys in custom key stores, so the recommendation could not be followed.
        var health = await Ring(_world.Customer.CreateKey(ByokWorld.Region, origin: origin)).ProbeAsync();

        health.DemandFindings(Findings.AutomaticRotationUnsupported(origin));
        Assert.That((health.Status, health.Origin), Is.EqualTo((HealthStatus.Healthy, origin)));
    }

    private static TestCaseData State(KmsKeyState state, Action<LocalKey> change, ByokKeyUnavailableReason reason, string finding) =>
        new TestCaseData(state, change, reason, finding).SetArgDisplayNames(state.ToString());

    private IByokKeyRing Ring(LocalKey key)
    {
        _world.User.Policy = Policies.Permissions(key.Arn);
        return _world.Ring("AccessKeys", settings => settings.KeyArn = key.Arn);
    }
}
