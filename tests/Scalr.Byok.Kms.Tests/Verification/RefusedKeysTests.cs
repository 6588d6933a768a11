using LocalAws;
using Scalr.Byok.Kms.Tests.World;
using static Scalr.Byok.Kms.ByokKeyUnavailableReason;
using static Scalr.Byok.Kms.ByokVerificationOutcome;
using Check = Scalr.Byok.Kms.ByokVerificationCheck;

namespace Scalr.Byok.Kms.Tests.Verification;

/// <summary>Every state and kind of key that cannot be used, of the key itself, a replica and a previous key.</summary>
internal sealed class RefusedKeysTests
{
    private Connection _connection = null!;

    private ByokWorld World => _connection.World;

    public static IEnumerable<TestCaseData> States()
    {
        yield return State("disabled", key => key.Disable(), KeyDisabled, "The key is disabled.", "Enable the key in AWS KMS.");
        yield return State(
            "held disabled", key => key.HoldIn(LocalKeyState.Disabled), KeyDisabled, "The key is disabled.", "Enable the key in AWS KMS.");
        yield return State(
            "pending replica deletion", key => key.ScheduleDeletion(), KeyPendingDeletion,
            "The key is scheduled for deletion, 30 days after its last replica is gone.",
            "Cancel the deletion in AWS KMS and enable the key;");
        yield return State(
            "pending deletion", key => key.HoldIn(LocalKeyState.PendingDeletion), KeyPendingDeletion, "The key is scheduled for deletion.",
            "Cancel the deletion in AWS KMS");
        yield return State(
            "pending import", key => key.HoldIn(LocalKeyState.PendingImport), KeyMaterialMissing, "The key has no key material.",
            "Import the same key material");
        yield return State(
            "unavailable",
            key => key.HoldIn(LocalKeyState.Unavailable),
            KeyStoreUnavailable,
            "The custom key store that holds the key is not connected.",
            "Connect the custom key store in AWS KMS.");
        yield return State(
            "creating", key => key.HoldIn(LocalKeyState.Creating), KeyStateInvalid, "The key's state allows no encryption or decryption.",
            "Check the key's state in AWS KMS");
    }

    [SetUp]
    public async Task StartAsync() => _connection = await Connection.StartAsync(ByokCredentialSettings.AccessKeysType);

    [TearDown]
    public async Task StopAsync() => await _connection.DisposeAsync();

    [TestCaseSource(nameof(States))]
    public async Task A_key_that_cannot_be_used_fails_where_it_is_described(
        Action<LocalKey> change, ByokKeyUnavailableReason reason, string message, string remedy)
    {
        change(World.Key);

        var verification = await _connection.VerifyAsync();
        var step = await _connection.StoppedAtAsync(Check.DescribeKey);

        Unusable(step, reason, remedy);
        Assert.That(step.Message, Is.EqualTo(message));
        Assert.That(verification.KeyHealth!.Reason, Is.EqualTo(reason));
        Assert.That(World.Aws.Log.Count("Encrypt"), Is.Zero, "what DescribeKey tells is enough");
    }

    [TestCaseSource(nameof(States))]
    public async Task A_replica_that_cannot_be_used_fails_alone(
        Action<LocalKey> change, ByokKeyUnavailableReason reason, string message, string remedy)
    {
        change(_connection.ReplicaKey);

        var step = (await _connection.NotPassedAsync(null, [Check.Replica])).Single();

        Unusable(step, reason, remedy);
        Assert.That(step.Message, Does.StartWith($"Replica in Region us-east-2: {message[..20]}"));
        Assert.That(step.Region, Is.EqualTo("us-east-2"));
    }

    [TestCaseSource(nameof(States))]
    public async Task A_previous_key_that_cannot_be_used_fails_alone(
        Action<LocalKey> change, ByokKeyUnavailableReason reason, string message, string remedy)
    {
        change(_connection.OldKey);

        var step = (await _connection.NotPassedAsync(null, [Check.PreviousKey])).Single();

        Unusable(step, reason, remedy);
        Assert.That(step.Message, Does.StartWith($"Previous key {_connection.OldKey.Arn}: {message[..20]}"));
        Assert.That(step.Region, Is.EqualTo("us-west-2"));
    }

    [Test]
    public async Task A_key_that_is_updating_passes()
    {
        World.Key.HoldIn(LocalKeyState.Updating);

        await _connection.AllPassAsync();
    }

    [TestCase("RSA_2048", "ENCRYPT_DECRYPT")]
    [TestCase("RSA_2048", "SIGN_VERIFY")]
    [TestCase("HMAC_256", "GENERATE_VERIFY_MAC")]
    public async Task A_key_of_another_kind_is_told(string spec, string usage)
    {
        var key = World.Customer.CreateKey(ByokWorld.Region, keySpec: spec, keyUsage: usage);

        var step = await AloneAsync(key.Arn);

        Unusable(step, UnsupportedKeySpec, "Create a symmetric key (key spec SYMMETRIC_DEFAULT) and give its ARN.");
        Assert.That(step.Message, Is.EqualTo("The key is not symmetric."));
    }

    [Test]
    public async Task Imported_material_that_is_missing_is_told_and_material_that_expires_is_a_warning()
    {
        var key = World.Customer.CreateKey(ByokWorld.Region, origin: "EXTERNAL");
        Unusable(await AloneAsync(key.Arn), KeyMaterialMissing, "Import the same key material into the key again.");

        key.ImportMaterial(World.Time.GetUtcNow() + TimeSpan.FromDays(3.5));
        var verification = await _connection.VerifyAsync(settings => (settings.KeyArn, settings.ReplicaRegions) = (key.Arn, []));

        var step = verification.Steps.Single(step => step.Outcome != Passed);
        Assert.That((step.Check, step.Outcome, step.Reason), Is.EqualTo((Check.DescribeKey, Warning, default(ByokKeyUnavailableReason?))));
        Assert.That(step.Message, Does.StartWith("The imported key material expires on ").And.Contain("(4 days left)"));
        Assert.That(verification.Succeeded, Is.True);
    }

    [Test]
    public async Task A_key_that_does_not_exist_is_told(
        [Values("0f3c9a52-7d41-4b8e-a6d0-5e12c4b79f08", "mrk-0123456789abcdef0123456789abcdef")] string id)
    {
        var step = await AloneAsync($"arn:aws:kms:us-east-1:{ByokWorld.CustomerAccount}:key/{id}");

        Unusable(step, KeyNotFound, $"Check the key ARN: account {ByokWorld.CustomerAccount} has no such key in Region us-east-1.");
        Assert.That((step.Message, step.Operation), Is.EqualTo(("The key does not exist.", "kms:DescribeKey")));
        Assert.That(step.RequestId, Is.Not.Empty);
    }

    [Test]
    public async Task A_previous_key_that_does_not_exist_is_told(
        [Values("0f3c9a52-7d41-4b8e-a6d0-5e12c4b79f08", "mrk-0123456789abcdef0123456789abcdef")] string id)
    {
        var arn = $"arn:aws:kms:us-west-2:{ByokWorld.CustomerAccount}:key/{id}";
        _connection.OldUser.Policy = ByokPolicies.KeyPermissions(KmsKeyArn.Parse(arn));

        var step = (await _connection.NotPassedAsync(settings => settings.PreviousKeys[0].KeyArn = arn, [Check.PreviousKey])).Single();

        Unusable(step, KeyNotFound, "Check the key ARN: account");
        Assert.That(step.Message, Is.EqualTo($"Previous key {arn}: The key does not exist."));
    }

    [Test]
    public async Task A_key_of_another_account_that_does_not_share_it_is_denied()
    {
        var key = World.Aws.Account("999988887777").CreateKey(ByokWorld.Region);
        _connection.Permissions = ByokPolicies.KeyPermissions(KmsKeyArn.Parse(key.Arn));

        var steps = await _connection.NotPassedAsync(
            settings => (settings.KeyArn, settings.ReplicaRegions) = (key.Arn, []), [Check.DescribeKey, Check.Encrypt], Check.Decrypt);

        Assert.That(steps.Select(step => step.Outcome), Is.EqualTo((ByokVerificationOutcome[])[Warning, Failed]));
        Assert.That(steps.Select(step => step.Reason), Is.All.EqualTo(AccessDenied));
        Assert.That(
            steps[1].Remedy, Does.Contain("it allows kms:Encrypt. If it is already attached, check the key ARN: AWS KMS denies access to a "
                + "mistyped one with the same message. Then check that the key policy denies nothing."));
    }

    [Test]
    public async Task A_replica_that_does_not_exist_is_told()
    {
        var key = World.Customer.CreateKey(ByokWorld.Region, multiRegion: true);
        _connection.Permissions = ByokPolicies.KeyPermissions(KmsKeyArn.Parse(key.Arn), ["us-east-2"]);

        var step = (await _connection.NotPassedAsync(settings => settings.KeyArn = key.Arn, [Check.Replica])).Single();

        Unusable(step, KeyNotFound, "Replicate the key to Region us-east-2 in AWS KMS, or take the Region out of the settings.");
        Assert.That(step.Message, Is.EqualTo("The key has no replica in Region us-east-2, although the settings name that Region."));
    }

    [Test]
    public async Task A_previous_key_that_may_not_be_described_is_a_warning_with_its_own_policy()
    {
        _connection.OldUser.Policy = null;

        var step = (await _connection.NotPassedAsync(null, [Check.PreviousKey])).Single();

        Assert.That(
            (step.Outcome, step.Reason, step.Operation), Is.EqualTo((Warning, (ByokKeyUnavailableReason?)AccessDenied, "kms:DescribeKey")));
        Assert.That(step.Message, Does.StartWith($"Previous key {_connection.OldKey.Arn}: The host cannot see problems of the key coming"));
        _connection.OldUser.Policy = step.Policy;
        await _connection.AllPassAsync();
    }

    [Test]
    public async Task A_previous_key_whose_role_cannot_be_assumed_gives_its_trust_policy()
    {
        var role = World.Customer.CreateRole(
            "scalr-old",
            ByokPolicies.AssumeRoleTrust("another", ByokWorld.HostAccount),
            ByokPolicies.KeyPermissions(KmsKeyArn.Parse(_connection.OldKey.Arn)));
        void Change(ByokKeySettings settings) =>
            settings.PreviousKeys[0].Credentials = ByokCredentialSettings.AssumeRole(role.Arn, "old-external-id");

        var step = (await _connection.NotPassedAsync(Change, [Check.PreviousKey])).Single();

        Unusable(step, RoleNotAssumable, $"Give the role {role.Arn} this trust policy.");
        role.TrustPolicy = step.Policy!;
        await _connection.AllPassAsync(Change);
    }

    private static TestCaseData State(
        string name, Action<LocalKey> change, ByokKeyUnavailableReason reason, string message, string remedy) =>
        new TestCaseData(change, reason, message, remedy).SetArgDisplayNames(name);

    private static void Unusable(ByokVerificationStep step, ByokKeyUnavailableReason reason, string remedy)
    {
        Assert.That((step.Outcome, step.Reason), Is.EqualTo((Failed, (ByokKeyUnavailableReason?)reason)));
        Assert.That(step.Remedy, Does.StartWith(remedy));
    }

    /// <summary>Verifies another key, without replicas, that the customer's user may use.</summary>
    private async Task<ByokVerificationStep> AloneAsync(string arn)
    {
        _connection.Permissions = ByokPolicies.KeyPermissions(KmsKeyArn.Parse(arn));
        return (await _connection.NotPassedAsync(
            settings => (settings.KeyArn, settings.ReplicaRegions) = (arn, []),
            [Check.DescribeKey],
            Check.Encrypt,
            Check.Decrypt)).Single();
    }
}
