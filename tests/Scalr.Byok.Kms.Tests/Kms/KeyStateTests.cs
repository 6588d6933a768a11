using LocalAws;
using Scalr.Byok.Kms.Tests.World;
using static Scalr.Byok.Kms.ByokKeyUnavailableReason;

namespace Scalr.Byok.Kms.Tests.Kms;

/// <summary>Every state and kind of key that refuses to encrypt or decrypt, and the reason that the customer reads.</summary>
internal sealed class KeyStateTests
{
    private ByokWorld _world = null!;

    public static IEnumerable<TestCaseData> States()
    {
        yield return State("disabled", key => key.Disable(), KeyDisabled);
        yield return State("pending deletion", key => key.ScheduleDeletion(), KeyPendingDeletion);
        yield return State("deletion cancelled", key =>
        {
            key.ScheduleDeletion();
            key.CancelDeletion();
        }, KeyDisabled);
        yield return State("a primary pending deletion", key =>
        {
            _ = key.Replicate("us-east-2");
            key.ScheduleDeletion();
        }, KeyPendingDeletion);
        yield return State("creating", key => key.HoldIn(LocalKeyState.Creating), KeyStateInvalid);
        yield return State("pending import", key => key.HoldIn(LocalKeyState.PendingImport), KeyMaterialMissing);
        yield return State("unavailable", key => key.HoldIn(LocalKeyState.Unavailable), KeyStoreUnavailable);
    }

    /// <summary>The longest pause after a denial. Calls fail at once before its end, and one of them asks AWS after it.</summary>
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(60);

    [SetUp]
    public async Task StartAsync() => _world = await ByokWorld.StartAsync();

    [TearDown]
    public async Task StopAsync() => await _world.DisposeAsync();

    [TestCaseSource(nameof(States))]
    public async Task A_key_that_becomes_unusable_refuses_both(Action<LocalKey> change, ByokKeyUnavailableReason reason)
    {
        var ring = _world.Ring("AccessKeys");
        var message = await ring.EncryptAsync(new byte[1]);

        change(_world.Key);

        await RefusedAsync(async () => await ring.EncryptAsync(new byte[1]), reason, "kms:Encrypt");
        _world.Time.Advance(Pause);
        await RefusedAsync(async () => await ring.DecryptAsync(message), reason, "kms:Decrypt");
    }

    [Test]
    public async Task A_key_that_is_updating_still_works()
    {
        _world.Key.HoldIn(LocalKeyState.Updating);
        var ring = _world.Ring("AccessKeys");

        Assert.That(await ring.DecryptAsync(await ring.EncryptAsync("abc"u8.ToArray())), Is.EqualTo("abc"u8.ToArray()));
    }

    [Test]
    public async Task A_key_that_was_deleted_is_not_found()
    {
        var ring = _world.Ring("AccessKeys");
        var message = await ring.EncryptAsync(new byte[1]);
        _world.Key.ScheduleDeletion(7);

        _world.Time.Advance(TimeSpan.FromDays(8));

        await RefusedAsync(async () => await ring.EncryptAsync(new byte[1]), KeyNotFound, "kms:Encrypt");
        _world.Time.Advance(Pause);
        await RefusedAsync(async () => await ring.DecryptAsync(message), KeyNotFound, "kms:Decrypt");
    }

    [Test]
    public async Task Imported_material_that_is_deleted_can_be_imported_again()
    {
        var key = _world.Customer.CreateKey(ByokWorld.Region, origin: "EXTERNAL");
        await RefusedAsync(key.Arn, KeyMaterialMissing);

        key.ImportMaterial();
        var ring = Ring(key.Arn);
        var message = await ring.EncryptAsync(new byte[1]);
        key.DeleteImportedMaterial();

        await RefusedAsync(async () => await ring.DecryptAsync(message), KeyMaterialMissing, "kms:Decrypt");
        key.ImportMaterial();
        _world.Time.Advance(Pause);
        Assert.That(await ring.DecryptAsync(message), Is.EqualTo(new byte[1]));
    }

    [Test]
    public async Task A_key_store_that_is_disconnected_can_be_connected_again([Values("AWS_CLOUDHSM", "EXTERNAL_KEY_STORE")] string origin)
    {
        var key = _world.Customer.CreateKey(ByokWorld.Region, origin: origin);
        var ring = Ring(key.Arn);
        var message = await ring.EncryptAsync(new byte[1]);

        key.DisconnectKeyStore();

        await RefusedAsync(async () => await ring.DecryptAsync(message), KeyStoreUnavailable, "kms:Decrypt");
        key.ConnectKeyStore();
        _world.Time.Advance(Pause);
        Assert.That(await ring.DecryptAsync(message), Is.EqualTo(new byte[1]));
    }

    [TestCase("RSA_2048", "ENCRYPT_DECRYPT")]
    [TestCase("RSA_2048", "SIGN_VERIFY")]
    [TestCase("ECC_NIST_P256", "SIGN_VERIFY")]
    [TestCase("HMAC_256", "GENERATE_VERIFY_MAC")]
    public async Task A_key_of_another_kind_is_told(string spec, string usage) =>
        await RefusedAsync(_world.Customer.CreateKey(ByokWorld.Region, keySpec: spec, keyUsage: usage).Arn, UnsupportedKeyUsage);

    [Test]
    public async Task A_key_id_that_does_not_exist_is_not_found() =>
        await RefusedAsync($"arn:aws:kms:us-east-1:{ByokWorld.CustomerAccount}:key/0f3c9a52-7d41-4b8e-a6d0-5e12c4b79f08", KeyNotFound);

    [Test]
    public async Task A_key_that_has_no_replica_in_that_Region_is_not_found() =>
        await RefusedAsync(_world.Key.Arn.Replace("us-east-1", "us-east-2", StringComparison.Ordinal), KeyNotFound);

    [Test]
    public async Task A_key_in_an_account_that_does_not_share_it_is_denied()
    {
        var foreign = _world.Aws.Account("999988887777").CreateKey(ByokWorld.Region);

        await RefusedAsync(foreign.Arn, AccessDenied);
    }

    private static TestCaseData State(string name, Action<LocalKey> change, ByokKeyUnavailableReason reason) =>
        new TestCaseData(change, reason).SetArgDisplayNames(name);

    private static async Task RefusedAsync(Func<Task> call, ByokKeyUnavailableReason reason, string operation)
    {
        var thrown = await Assert.ThrowsAsync<ByokKeyUnavailableException>(call);

        Assert.That((thrown!.Reason, thrown.Operation), Is.EqualTo((reason, operation)));
        Assert.That(thrown.Message, Does.StartWith($"The key {thrown.KeyArn} cannot be used. ").And.EndsWith(thrown.Remedy));
    }

    private IByokKeyRing Ring(string keyArn)
    {
        _world.User.Policy = Policies.Permissions("*");
        return _world.Ring("AccessKeys", settings => settings.KeyArn = keyArn);
    }

    private Task RefusedAsync(string keyArn, ByokKeyUnavailableReason reason) =>
        RefusedAsync(async () => await Ring(keyArn).EncryptAsync(new byte[1]), reason, "kms:Encrypt");
}
