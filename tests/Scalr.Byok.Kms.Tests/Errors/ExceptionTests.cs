using Moq;
using static Scalr.Byok.Kms.ByokKeyUnavailableReason;
using static Scalr.Byok.Kms.Tests.Keys.KeyArnSamples;

namespace Scalr.Byok.Kms.Tests.Errors;

/// <summary>What a host catches: the exact words, the data beside them, and that a host's own mocks can throw the same.</summary>
internal sealed class ExceptionTests
{
    private static readonly KmsKeyArn Key = KmsKeyArn.Parse(MultiRegion);

    private static readonly Dictionary<ByokKeyUnavailableReason, (string Happened, string Remedy)> Texts = new()
    {
        [Unknown] = ("The key cannot be used; the reason is not known.", "Find the kms:Decrypt request in AWS CloudTrail."),
        [KeyDisabled] = ("The key is disabled.", "Enable the key in AWS KMS."),
        [KeyPendingDeletion] = (
            "The key is scheduled for deletion.",
            "Cancel the deletion in AWS KMS and enable the key; once it is deleted, data encrypted under it is lost."),
        [KeyNotFound] = ("The key does not exist.", "Check the key ARN: account 111122223333 has no such key in Region us-east-1."),
        [KeyMaterialMissing] = ("The key has no key material.", "Import the same key material into the key again."),
        [KeyStoreUnavailable] = ("The custom key store that holds the key is not connected.", "Connect the custom key store in AWS KMS."),
        [KeyStateInvalid] = (
            "The key's state allows no encryption or decryption.", "Check the key's state in AWS KMS and change it to Enabled."),
        [UnsupportedKeySpec] = ("The key is not symmetric.", "Create a symmetric key (key spec SYMMETRIC_DEFAULT) and give its ARN."),
        [UnsupportedKeyUsage] = (
            "The key cannot be used to encrypt and decrypt.", "Create a symmetric key whose usage is ENCRYPT_DECRYPT and give its ARN."),
        [WrongRegion] = (
            "The key was requested in a Region that it does not belong to.", "Check the Region in the key ARN: it says us-east-1."),
        [AccessDenied] = (
            "Access denied: kms:Decrypt on the key is not allowed.",
            "Check the key ARN first: AWS KMS denies access to a mistyped one with the same message. If it is right, allow kms:Decrypt on "
            + $"{MultiRegion} in the IAM policy of the user or role, and do not deny it in the key policy. If the user or role is not in "
            + "account 111122223333, the key policy must allow it too, by a statement with Effect \"Allow\", "
            + "Principal { \"AWS\": \"(ARN of the user or role)\" }, Action [ \"kms:Encrypt\", \"kms:Decrypt\", \"kms:DescribeKey\" ] "
                + "and Resource \"*\". "
            + "If a policy has kms:EncryptionContext conditions, they must allow the encryption context of the request."),
        [CredentialsRejected] = (
            "AWS does not accept the access key.",
            "Check that the access key ID and the secret access key belong together and that the access key is active."),
        [RoleNotAssumable] = (
            "AWS STS does not let the host assume the role.",
            "Check the role ARN and the role's trust policy: its principal, and the external ID or the token's audience and subject "
            + "that it demands. AWS STS denies a mistyped role ARN with the same message."),
        [TokenRejected] = (
            "AWS STS does not accept the OIDC token.",
            "Check the OIDC identity provider in the AWS account: its URL must be the host's issuer and its client IDs must include the "
            + "audience."),
        [RegionDisabled] = (
            "AWS STS is not activated in Region us-east-1 of the account.",
            "Activate AWS STS for Region us-east-1 in the IAM account settings."),
        [SessionPolicyTooLarge] = (
            "The session policy, which allows only the use of the customer's keys, exceeds the size limit of AWS STS.",
            "This is for the host's operator: give the host's own session fewer tags and policies, or turn off RestrictSessions."),
    };

    [Test]
    public void Every_reason_has_its_words([Values] ByokKeyUnavailableReason reason)
    {
        var cause = new IOException("cause");
        var exception = new ByokKeyUnavailableException(Key, reason, "kms:Decrypt", "request-1", cause);

        Assert.That(
            exception.Message, Is.EqualTo($"The key {MultiRegion} cannot be used. {Texts[reason].Happened} {Texts[reason].Remedy}"));
        Assert.That(exception.Remedy, Is.EqualTo(Texts[reason].Remedy));
        Assert.That(
            (exception.KeyArn, exception.Reason, exception.Operation, exception.Region),
            Is.EqualTo((Key, reason, "kms:Decrypt", "us-east-1")));
        Assert.That((exception.RequestId, exception.InnerException, exception.IsTransient), Is.EqualTo(("request-1", cause, false)));
    }

    [TestCase("kms:Encrypt", true)]
    [TestCase("kms:Decrypt", true)]
    [TestCase("kms:DescribeKey", false)]
    public void A_denial_mentions_conditions_on_the_encryption_context_where_there_is_one(string operation, bool mentioned)
    {
        var exception = new ByokKeyUnavailableException(Key, AccessDenied, operation, "request-1", new IOException("cause"));

        Assert.That(exception.Remedy.Contains("kms:EncryptionContext", StringComparison.Ordinal), Is.EqualTo(mentioned), exception.Remedy);
    }

    [Test]
    public void Every_reason_has_its_own_words() => Assert.That(Texts.Values.Select(text => text.Happened), Is.Unique);

    [Test]
    public void ByokKeyUnavailableException_wants_a_reason_and_an_operation()
    {
        Assert.That(
            () => new ByokKeyUnavailableException(Key, KeyDisabled, null!),
            Throws.ArgumentNullException.With.Property("ParamName").EqualTo("operation"));
        Assert.That(
            () => new ByokKeyUnavailableException(Key, (ByokKeyUnavailableReason)99, "kms:Encrypt"),
            Throws.TypeOf<ArgumentOutOfRangeException>().With.Property("ParamName").EqualTo("reason"));
        Assert.That(
            new ByokKeyUnavailableException(Key, KeyDisabled, "kms:Encrypt"), Has.Property("RequestId").Null.And.InnerException.Null);
    }

    [Test]
    public void ByokKeyUnavailableException_bears_a_key_that_was_never_set([Values] ByokKeyUnavailableReason reason) =>
        Assert.That(
            () => new ByokKeyUnavailableException(default, reason, "kms:Encrypt").Region,
            Throws.Nothing,
            "a careless mock must not fail here");

    [Test]
    public void ByokServiceException_carries_what_it_is_given()
    {
        var cause = new IOException("cause");
        var exception = new ByokServiceException("Words.", isTransient: false, cause)
        {
            Operation = "sts:AssumeRole",
            Region = "us-east-2",
            RequestId = "request-1",
            RetryAfter = TimeSpan.FromSeconds(3),
        };

        Assert.That((exception.Message, exception.IsTransient, exception.InnerException), Is.EqualTo(("Words.", false, cause)));
        Assert.That((exception.Operation, exception.Region, exception.RequestId), Is.EqualTo(("sts:AssumeRole", "us-east-2", "request-1")));
        Assert.That(exception.RetryAfter, Is.EqualTo(TimeSpan.FromSeconds(3)));
        Assert.That(new ByokServiceException("Words.").IsTransient, Is.True, "by default");
    }

    [Test]
    public void ByokDecryptionException_tells_nothing_that_helps_an_attacker()
    {
        var exception = new ByokDecryptionException();

        Assert.That(exception.Message, Is.EqualTo(
            "The message could not be authenticated: it was changed or cut short, or it belongs to another key, encryption context "
            + "or place. Treat it as hostile."));
        Assert.That((exception.IsTransient, exception.InnerException), Is.EqualTo((false, (Exception?)null)));
        Assert.That(new ByokDecryptionException("Words.").Message, Is.EqualTo("Words."));
        Assert.That(
            typeof(ByokDecryptionException).GetConstructors().SelectMany(c => c.GetParameters()).Select(p => p.ParameterType),
            Has.None.EqualTo(typeof(Exception)), "no way to give it a cause");
    }

    [Test]
    public async Task A_host_that_mocks_the_ring_needs_nothing_else()
    {
        var ring = new Mock<IByokKeyRing>();
        ring.SetupGet(r => r.KeyArn).Returns(Key);
        ring.Setup(r => r.EncryptAsync(It.IsAny<ReadOnlyMemory<byte>>(), null, default)).ReturnsAsync([1, 2, 3]);
        ring.SetupSequence(r => r.DecryptAsync(
            It.IsAny<ReadOnlyMemory<byte>>(), It.IsAny<IReadOnlyDictionary<string, string>?>(), It.IsAny<CancellationToken>()))
            .Throws(new ByokKeyUnavailableException(Key, KeyDisabled, "kms:Decrypt"))
            .Throws(new ByokServiceException("Down.") { RetryAfter = TimeSpan.FromSeconds(1) })
            .Throws(new ByokDecryptionException())
            .ReturnsAsync([4]);

        Assert.That(await ring.Object.EncryptAsync(new byte[1]), Has.Length.EqualTo(3));
        foreach (var isTransient in (bool[])[false, true, false])
        {
            var thrown = await Assert.CatchAsync<ByokException>(async () => await ring.Object.DecryptAsync(new byte[1]));
            Assert.That(thrown!.IsTransient, Is.EqualTo(isTransient));
        }

        Assert.That((await ring.Object.DecryptAsync(new byte[1])).Single(), Is.EqualTo(4));
    }
}
