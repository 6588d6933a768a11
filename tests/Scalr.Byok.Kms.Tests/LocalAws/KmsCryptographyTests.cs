using Amazon.KeyManagementService.Model;
using LocalAws;
using static Scalr.Byok.Kms.Tests.LocalAwsTests.LocalAwsFixture;

namespace Scalr.Byok.Kms.Tests.LocalAwsTests;

public sealed class KmsCryptographyTests
{
    private static readonly Dictionary<string, string> Context = new() { ["tenant"] = "acme", ["purpose"] = "test" };

    [Test]
    public async Task Decrypt_returns_what_was_encrypted_and_says_under_which_key()
    {
        await using var aws = await LocalAwsFixture.StartAsync();
        var key = aws.Account.CreateKey(East1);
        using var kms = aws.Kms();
        var encrypted = await kms.EncryptAsync(
            new EncryptRequest { KeyId = key.Arn, Plaintext = Bytes("secret"), EncryptionContext = Context });

        var decrypted = await kms.DecryptAsync(
            new DecryptRequest { KeyId = key.Arn, CiphertextBlob = encrypted.CiphertextBlob, EncryptionContext = Context });

        using (Assert.EnterMultipleScope())
        {
            Assert.That(decrypted.Plaintext.ToArray(), Is.EqualTo("secret"u8.ToArray()));
            Assert.That(decrypted.KeyId, Is.EqualTo(key.Arn));
            Assert.That(decrypted.EncryptionAlgorithm?.Value, Is.EqualTo("SYMMETRIC_DEFAULT"));
            Assert.That(decrypted.KeyMaterialId, Does.Match("^[0-9a-f]{64}$"));
            Assert.That(encrypted.KeyId, Is.EqualTo(key.Arn));
        }
    }

    [Test]
    public async Task Decrypt_finds_the_key_by_itself_when_none_is_named()
    {
        await using var aws = await LocalAwsFixture.StartAsync();
        var blob = await aws.EncryptAsync(aws.Account.CreateKey(East1));

        Assert.That(await aws.DecryptAsync(blob), Is.EqualTo("secret"));
    }

    [Test]
    public async Task Decrypt_does_not_mind_the_order_of_the_context()
    {
        await using var aws = await LocalAwsFixture.StartAsync();
        var blob = await aws.EncryptAsync(aws.Account.CreateKey(East1), Context);

        Assert.That(await aws.DecryptAsync(blob, context: new() { ["purpose"] = "test", ["tenant"] = "acme" }), Is.EqualTo("secret"));
    }

    [TestCase("tenant=acme")]
    [TestCase("")]
    [TestCase("tenant=acme,purpose=Test")]
    [TestCase("Tenant=acme,purpose=test")]
    [TestCase("tenant=acme,purpose=test,more=")]
    [TestCase("tenant=acmepurpose,test=")]
    public async Task Decrypt_rejects_a_blob_whose_context_differs(string pairs)
    {
        await using var aws = await LocalAwsFixture.StartAsync();
        var key = aws.Account.CreateKey(East1);
        var blob = await aws.EncryptAsync(key, Context);
        var context = pairs.Split(',', StringSplitOptions.RemoveEmptyEntries).Select(pair => pair.Split('=')).ToDictionary(
            pair => pair[0], pair => pair[1]);

        Assert.That(() => aws.DecryptAsync(blob, key, context), Throws.InstanceOf<InvalidCiphertextException>());
    }

    [Test]
    public async Task Decrypt_rejects_a_blob_with_any_byte_changed()
    {
        await using var aws = await LocalAwsFixture.StartAsync();
        var key = aws.Account.CreateKey(East1);
        var blob = (await aws.EncryptAsync(key)).ToArray();

        for (var i = 0; i < blob.Length; i++)
        {
            var changed = (byte[])blob.Clone();
            changed[i] ^= 1;
            Assert.That(
                () => aws.DecryptAsync(new MemoryStream(changed), i % 2 == 0 ? key : null),
                Throws.InstanceOf<InvalidCiphertextException>(),
                $"byte {i}");
        }
    }

    [Test]
    public async Task Decrypt_rejects_a_blob_cut_or_lengthened()
    {
        await using var aws = await LocalAwsFixture.StartAsync();
        var blob = (await aws.EncryptAsync(aws.Account.CreateKey(East1))).ToArray();

        for (var length = 1; length < blob.Length; length++)
        {
            Assert.That(
                () => aws.DecryptAsync(new MemoryStream(blob[..length])),
                Throws.InstanceOf<InvalidCiphertextException>(),
                $"{length} bytes");
        }

        Assert.That(() => aws.DecryptAsync(new MemoryStream([.. blob, 0])), Throws.InstanceOf<InvalidCiphertextException>());
    }

    [Test]
    public async Task Decrypt_names_a_blob_of_another_key_as_such()
    {
        await using var aws = await LocalAwsFixture.StartAsync();
        var blob = await aws.EncryptAsync(aws.Account.CreateKey(East1));

        Assert.That(() => aws.DecryptAsync(blob, aws.Account.CreateKey(East1)), Throws.InstanceOf<IncorrectKeyException>());
    }

    [Test]
    public async Task Decrypt_of_a_blob_from_another_Region_is_denied()
    {
        await using var aws = await LocalAwsFixture.StartAsync();
        var blob = await aws.EncryptAsync(aws.Account.CreateKey(East1));

        Assert.That(() => aws.DecryptAsync(blob, region: East2), Refused("AccessDeniedException"));
    }

    [TestCase(0, "ValidationException")]
    [TestCase(1, null)]
    [TestCase(4096, null)]
    [TestCase(4097, "ValidationException")]
    public async Task Encrypt_takes_1_to_4096_bytes(int length, string? code)
    {
        await using var aws = await LocalAwsFixture.StartAsync();
        using var kms = aws.Kms();
        var request = new EncryptRequest { KeyId = aws.Account.CreateKey(East1).Arn, Plaintext = new MemoryStream(new byte[length]) };

        Assert.That(() => kms.EncryptAsync(request), code is null ? Throws.Nothing : Refused(code));
    }

    [Test]
    public async Task Encrypt_accepts_every_way_to_name_a_key()
    {
        await using var aws = await LocalAwsFixture.StartAsync();
        var key = aws.Account.CreateKey(East1);
        using var kms = aws.Kms();
        await kms.CreateAliasAsync("alias/byok", key.KeyId);

        foreach (var name in new[] { key.Arn, key.KeyId, "alias/byok", "arn:aws:kms:us-east-1:111122223333:alias/byok" })
        {
            var answer = await kms.EncryptAsync(new EncryptRequest { KeyId = name, Plaintext = Bytes("secret") });
            Assert.That(answer.KeyId, Is.EqualTo(key.Arn), name);
        }
    }

    [TestCase("nonsense", "Invalid keyId 'nonsense'")]
    [TestCase("key/00000000-0000-0000-0000-000000000000", "Invalid keyId 'key/00000000-0000-0000-0000-000000000000'")]
    [TestCase(
        "arn:aws:kms:us-east-1:111122223333:00000000-0000-0000-0000-000000000000",
        "Invalid keyId 'arn:aws:kms:us-east-1:111122223333:00000000-0000-0000-0000-000000000000'")]
    [TestCase("00000000-0000-0000-0000-000000000000\n", "Invalid keyId '00000000-0000-0000-0000-000000000000\n'")]
    [TestCase("arn:aws:kms:us-east-2:111122223333:key/00000000-0000-0000-0000-000000000000", "Invalid arn us-east-2")]
    [TestCase(
        "arn:aws:kms:us-east-1:111122223333:key/00000000-0000-0000-0000-000000000000",
        "Key 'arn:aws:kms:us-east-1:111122223333:key/00000000-0000-0000-0000-000000000000' does not exist")]
    [TestCase("alias/nothing", "Alias arn:aws:kms:us-east-1:111122223333:alias/nothing is not found.")]
    public async Task Encrypt_does_not_find_a_key_that_is_not_there(string keyId, string message)
    {
        await using var aws = await LocalAwsFixture.StartAsync();
        using var kms = aws.Kms();

        Assert.That(
            () => kms.EncryptAsync(new EncryptRequest { KeyId = keyId, Plaintext = Bytes("secret") }),
            Throws.InstanceOf<NotFoundException>().With.Message.EqualTo(message));
    }

    [TestCase("RSA_2048", "SIGN_VERIFY")]
    [TestCase("RSA_4096", "ENCRYPT_DECRYPT")]
    [TestCase("HMAC_256", "GENERATE_VERIFY_MAC")]
    public async Task Encrypt_refuses_a_key_that_is_not_symmetric(string keySpec, string keyUsage)
    {
        await using var aws = await LocalAwsFixture.StartAsync();
        var key = aws.Account.CreateKey(East1, keySpec: keySpec, keyUsage: keyUsage);

        Assert.That(() => aws.EncryptAsync(key), Throws.InstanceOf<InvalidKeyUsageException>());
    }

    [Test]
    public async Task Encrypt_refuses_a_key_of_another_account_whatever_the_caller_may_do()
    {
        await using var aws = await LocalAwsFixture.StartAsync();
        var stranger = aws.Server.Account("444455556666").CreateUser("other", Allow("*", "*")).CreateAccessKey();

        Assert.That(() => aws.EncryptAsync(aws.Account.CreateKey(East1), credentials: Of(stranger)), Refused("AccessDeniedException"));
    }

    [Test]
    public async Task Encrypt_asks_for_the_permission_before_it_looks_for_the_key()
    {
        await using var aws = await LocalAwsFixture.StartAsync();
        var user = aws.Account.CreateUser("unknown").CreateAccessKey();
        using var kms = aws.Kms(Of(user));

        Assert.That(
            () => kms.EncryptAsync(new EncryptRequest { KeyId = "00000000-0000-0000-0000-000000000000", Plaintext = Bytes("secret") }),
            Throws.InstanceOf<Amazon.Runtime.AmazonServiceException>().With.Message.Contains("arn:aws:iam::111122223333:user/unknown")
                .And.Message.Contains(
                    "kms:Encrypt").And.Message.Contains("arn:aws:kms:us-east-1:111122223333:key/00000000-0000-0000-0000-000000000000"));
    }

    [Test]
    public async Task GenerateDataKey_returns_a_key_and_the_same_key_encrypted()
    {
        await using var aws = await LocalAwsFixture.StartAsync();
        var key = aws.Account.CreateKey(East1);
        using var kms = aws.Kms();

        var generated = await kms.GenerateDataKeyAsync(
            new GenerateDataKeyRequest { KeyId = key.Arn, KeySpec = "AES_256", EncryptionContext = Context });
        var opened = await kms.DecryptAsync(new DecryptRequest { CiphertextBlob = generated.CiphertextBlob, EncryptionContext = Context });

        Assert.That(generated.Plaintext.Length, Is.EqualTo(32));
        Assert.That(opened.Plaintext.ToArray(), Is.EqualTo(generated.Plaintext.ToArray()));
    }

    [Test]
    public async Task Decrypt_works_in_a_replica_Region_and_answers_with_its_ARN()
    {
        await using var aws = await LocalAwsFixture.StartAsync();
        var primary = aws.Account.CreateKey(East1, multiRegion: true);
        var replica = primary.Replicate(East2);
        var blob = await aws.EncryptAsync(primary);
        using var kms = aws.Kms(region: East2);

        var answer = await kms.DecryptAsync(new DecryptRequest { KeyId = replica.Arn, CiphertextBlob = blob });

        Assert.That(answer.KeyId, Is.EqualTo(replica.Arn));
        Assert.That(await aws.DecryptAsync(await aws.EncryptAsync(replica), primary), Is.EqualTo("secret"));
    }
}
