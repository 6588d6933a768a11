using Amazon.KeyManagementService;
using Amazon.KeyManagementService.Model;
using LocalAws;
using static Scalr.Byok.Kms.Tests.LocalAwsTests.LocalAwsFixture;

namespace Scalr.Byok.Kms.Tests.LocalAwsTests;

public sealed class KmsKeyStateTests
{
    [TestCase(LocalKeyState.Enabled, null, true)]
    [TestCase(LocalKeyState.Updating, null, true)]
    [TestCase(LocalKeyState.Disabled, "DisabledException", false)]
    [TestCase(LocalKeyState.PendingDeletion, "KMSInvalidStateException", false)]
    [TestCase(LocalKeyState.PendingReplicaDeletion, "KMSInvalidStateException", false)]
    [TestCase(LocalKeyState.PendingImport, "KMSInvalidStateException", false)]
    [TestCase(LocalKeyState.Unavailable, "KMSInvalidStateException", false)]
    [TestCase(LocalKeyState.Creating, "KMSInvalidStateException", false)]
    public async Task Encrypt_and_Decrypt_answer_as_the_state_of_the_key_demands(string state, string? code, bool enabled)
    {
        await using var aws = await LocalAwsFixture.StartAsync();
        var key = aws.Account.CreateKey(East1);
        var blob = await aws.EncryptAsync(key);
        key.HoldIn(state);

        using var kms = aws.Kms();
        var seen = (await kms.DescribeKeyAsync(key.Arn)).KeyMetadata;

        using (Assert.EnterMultipleScope())
        {
            Assert.That(() => aws.EncryptAsync(key), code is null ? Throws.Nothing : Refused(code));
            Assert.That(() => aws.DecryptAsync(blob), code is null ? Throws.Nothing : Refused(code));
            Assert.That(seen.KeyState.Value, Is.EqualTo(state));
            Assert.That(seen.Enabled, Is.EqualTo(enabled));
        }

        key.Release();
        Assert.That(await aws.DecryptAsync(blob), Is.EqualTo("secret"));
    }

    [Test]
    public async Task Disable_and_Enable_are_felt_by_the_next_request()
    {
        await using var aws = await LocalAwsFixture.StartAsync();
        var key = aws.Account.CreateKey(East1);

        key.Disable();
        Assert.That(() => aws.EncryptAsync(key), Throws.InstanceOf<DisabledException>().With.Message.EqualTo($"{key.Arn} is disabled."));
        key.Enable();
        Assert.That(() => aws.EncryptAsync(key), Throws.Nothing);
    }

    [Test]
    public async Task Switches_work_over_the_wire_too()
    {
        await using var aws = await LocalAwsFixture.StartAsync();
        using var kms = aws.Kms();
        var arn = (await kms.CreateKeyAsync(new CreateKeyRequest { Description = "mine" })).KeyMetadata.Arn;
        var key = aws.Server.FindKey(arn)!;

        await kms.DisableKeyAsync(arn);
        Assert.That(key.State, Is.EqualTo(LocalKeyState.Disabled));
        await kms.EnableKeyAsync(arn);
        Assert.That(key.State, Is.EqualTo(LocalKeyState.Enabled));
        var scheduled = await kms.ScheduleKeyDeletionAsync(new ScheduleKeyDeletionRequest { KeyId = arn, PendingWindowInDays = 7 });
        Assert.That(scheduled.DeletionDate, Is.EqualTo(aws.Time.GetUtcNow().UtcDateTime.AddDays(7)).Within(TimeSpan.FromMilliseconds(1)));
        Assert.That(() => kms.EnableKeyAsync(arn), Throws.InstanceOf<KMSInvalidStateException>());
        await kms.CancelKeyDeletionAsync(arn);
        Assert.That(key.State, Is.EqualTo(LocalKeyState.Disabled));
        Assert.That(() => kms.CancelKeyDeletionAsync(arn), Throws.InstanceOf<KMSInvalidStateException>());
    }

    [Test]
    public async Task A_deleted_key_is_gone_after_its_waiting_period()
    {
        await using var aws = await LocalAwsFixture.StartAsync();
        var key = aws.Account.CreateKey(East1);
        var blob = await aws.EncryptAsync(key);
        key.ScheduleDeletion(7);
        Assert.That(
            () => aws.DecryptAsync(blob, key),
            Throws.InstanceOf<KMSInvalidStateException>().With.Message.EqualTo($"{key.Arn} is pending deletion."));

        aws.Time.Advance(TimeSpan.FromDays(7));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(() => aws.DecryptAsync(blob, key), Throws.InstanceOf<NotFoundException>());
            Assert.That(() => aws.DecryptAsync(blob), Refused("AccessDeniedException"));
            Assert.That(aws.Server.FindKey(key.Arn), Is.Null);
        }
    }

    [Test]
    public async Task A_deleted_primary_waits_for_its_replicas_first()
    {
        await using var aws = await LocalAwsFixture.StartAsync();
        var primary = aws.Account.CreateKey(East1, multiRegion: true);
        var replica = primary.Replicate(East2);

        primary.ScheduleDeletion(7);
        Assert.That(primary.State, Is.EqualTo(LocalKeyState.PendingReplicaDeletion));
        aws.Time.Advance(TimeSpan.FromDays(60));
        Assert.That(primary.State, Is.EqualTo(LocalKeyState.PendingReplicaDeletion));
        replica.ScheduleDeletion(10);
        Assert.That(primary.State, Is.EqualTo(LocalKeyState.PendingReplicaDeletion));
        aws.Time.Advance(TimeSpan.FromDays(10));
        Assert.That(primary.State, Is.EqualTo(LocalKeyState.PendingDeletion));
        Assert.That(aws.Server.FindKey(replica.Arn), Is.Null);
        aws.Time.Advance(TimeSpan.FromDays(7));
        Assert.That(aws.Server.FindKey(primary.Arn), Is.Null);
    }

    [Test]
    public async Task Imported_material_can_be_missing_expire_and_come_back()
    {
        await using var aws = await LocalAwsFixture.StartAsync();
        var key = aws.Account.CreateKey(East1, origin: "EXTERNAL");
        Assert.That(() => aws.EncryptAsync(key), Refused("KMSInvalidStateException"));

        key.ImportMaterial(aws.Time.GetUtcNow().AddHours(1));
        var blob = await aws.EncryptAsync(key);
        using var kms = aws.Kms();
        var metadata = (await kms.DescribeKeyAsync(key.Arn)).KeyMetadata;
        Assert.That(metadata.ExpirationModel, Is.EqualTo(ExpirationModelType.KEY_MATERIAL_EXPIRES));
        Assert.That(metadata.ValidTo, Is.Not.Null);

        aws.Time.Advance(TimeSpan.FromHours(1));
        Assert.That(key.State, Is.EqualTo(LocalKeyState.PendingImport));
        key.ImportMaterial();
        Assert.That(await aws.DecryptAsync(blob), Is.EqualTo("secret"));
        key.DeleteImportedMaterial();
        Assert.That(() => aws.DecryptAsync(blob), Refused("KMSInvalidStateException"));
    }

    [Test]
    public async Task A_disconnected_key_store_makes_its_keys_unavailable()
    {
        await using var aws = await LocalAwsFixture.StartAsync();
        var key = aws.Account.CreateKey(East1, origin: "AWS_CLOUDHSM");
        var blob = await aws.EncryptAsync(key);

        key.DisconnectKeyStore();
        Assert.That(() => aws.DecryptAsync(blob), Throws.InstanceOf<KMSInvalidStateException>());
        Assert.That(key.State, Is.EqualTo(LocalKeyState.Unavailable));
        key.ConnectKeyStore();
        Assert.That(await aws.DecryptAsync(blob), Is.EqualTo("secret"));
    }

    [Test]
    public async Task DescribeKey_shows_the_whole_family_of_a_multi_Region_key()
    {
        await using var aws = await LocalAwsFixture.StartAsync();
        using var east1 = aws.Kms();
        using var east2 = aws.Kms(region: East2);
        var primary = (await east1.CreateKeyAsync(new CreateKeyRequest { MultiRegion = true })).KeyMetadata;

        var announced =
            (await east1.ReplicateKeyAsync(new ReplicateKeyRequest { KeyId = primary.Arn, ReplicaRegion = East2 })).ReplicaKeyMetadata;
        var replica = (await east2.DescribeKeyAsync(primary.KeyId)).KeyMetadata;

        using (Assert.EnterMultipleScope())
        {
            Assert.That(primary.KeyId, Does.Match("^mrk-[0-9a-f]{32}$"));
            Assert.That((announced.KeyState, announced.Enabled), Is.EqualTo((KeyState.Creating, (bool?)false)));
            Assert.That((replica.KeyState, replica.Enabled), Is.EqualTo((KeyState.Enabled, (bool?)true)));
            Assert.That(replica.MultiRegionConfiguration.MultiRegionKeyType, Is.EqualTo(MultiRegionKeyType.REPLICA));
            Assert.That(replica.MultiRegionConfiguration.PrimaryKey.Arn, Is.EqualTo(primary.Arn));
            Assert.That(replica.MultiRegionConfiguration.ReplicaKeys.Select(key => key.Region), Is.EqualTo(new[] { East2 }));
            Assert.That(
                () => east2.ReplicateKeyAsync(new ReplicateKeyRequest { KeyId = replica.Arn, ReplicaRegion = "eu-west-1" }),
                Refused("UnsupportedOperationException"));
            Assert.That(
                () => east1.ReplicateKeyAsync(new ReplicateKeyRequest { KeyId = primary.Arn, ReplicaRegion = East2 }),
                Throws.InstanceOf<AlreadyExistsException>());
        }
    }

    [Test]
    public async Task DescribeKey_shows_what_a_key_is()
    {
        await using var aws = await LocalAwsFixture.StartAsync();
        using var kms = aws.Kms();
        var created = (await kms.CreateKeyAsync(new CreateKeyRequest
        {
            Description = "mine",
            KeySpec = KeySpec.RSA_2048,
            KeyUsage = KeyUsageType.ENCRYPT_DECRYPT,
        })).KeyMetadata;

        var seen = (await kms.DescribeKeyAsync(created.KeyId)).KeyMetadata;

        using (Assert.EnterMultipleScope())
        {
            Assert.That(seen.AWSAccountId, Is.EqualTo("111122223333"));
            Assert.That(seen.Arn, Is.EqualTo($"arn:aws:kms:us-east-1:111122223333:key/{seen.KeyId}"));
            Assert.That(seen.CreationDate, Is.EqualTo(aws.Time.GetUtcNow().UtcDateTime).Within(TimeSpan.FromMilliseconds(1)));
            Assert.That(seen.Description, Is.EqualTo("mine"));
            Assert.That(seen.KeyManager, Is.EqualTo(KeyManagerType.CUSTOMER));
            Assert.That(seen.Origin, Is.EqualTo(OriginType.AWS_KMS));
            Assert.That(seen.KeySpec, Is.EqualTo(KeySpec.RSA_2048));
            Assert.That(seen.EncryptionAlgorithms, Is.EqualTo(["RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256"]));
            Assert.That(seen.MultiRegion, Is.False);
            Assert.That(seen.MultiRegionConfiguration, Is.Null);
        }
    }

    [Test]
    public async Task ListKeys_pages_through_the_keys_of_one_account_and_Region()
    {
        await using var aws = await LocalAwsFixture.StartAsync();
        var keys = Enumerable.Range(0, 5).Select(_ => aws.Account.CreateKey(East1).Arn).ToList();
        aws.Account.CreateKey(East2);
        aws.Server.Account("444455556666").CreateKey(East1);
        using var kms = aws.Kms();

        var listed = new List<string>();
        string? marker = null;
        do
        {
            var page = await kms.ListKeysAsync(new ListKeysRequest { Limit = 2, Marker = marker });
            listed.AddRange(page.Keys.Select(key => key.KeyArn));
            marker = page.NextMarker;
        }
        while (marker is not null);

        Assert.That(listed, Is.EquivalentTo(keys));
    }

    [Test]
    public async Task An_operation_that_is_not_modelled_says_so()
    {
        await using var aws = await LocalAwsFixture.StartAsync();
        using var kms = aws.Kms();

        Assert.That(() => kms.ListAliasesAsync(new ListAliasesRequest()), Refused("UnknownOperationException"));
    }
}
