using System.Text;
using Amazon.KeyManagementService;
using Amazon.KeyManagementService.Model;
using Amazon.Runtime;
using Microsoft.Extensions.Logging.Abstractions;
using Moq;
using Scalr.Byok.Kms.DataKeys;
using Scalr.Byok.Kms.Errors;
using Scalr.Byok.Kms.KeyRing;
using Scalr.Byok.Kms.Kms;
using Scalr.Byok.Kms.Messages;
using Scalr.Byok.Kms.Resilience;
using static Scalr.Byok.Kms.Tests.Keys.KeyArnSamples;

namespace Scalr.Byok.Kms.Tests.Kms;

/// <summary>Single answers that a good server never gives, and what becomes of the plaintext in them.</summary>
internal sealed class KmsAnswerTests
{
    private static readonly Dictionary<string, string> NoContext = [];

    private readonly KmsKeyArn _arn = KmsKeyArn.Parse(SingleRegion);
    private readonly EncryptedDataKey _encrypted = new(
        EncryptedDataKey.AwsKms, Encoding.UTF8.GetBytes(SingleRegion), new byte[] { 1, 2, 3 });
    private readonly byte[] _plaintext = [.. Enumerable.Range(1, 32).Select(i => (byte)i)];
    private Mock<IAmazonKeyManagementService> _kms = null!;
    private PlaintextKeys _keys = null!;

    public static IEnumerable<TestCaseData> OtherKeys()
    {
        yield return new TestCaseData(SingleRegion.Replace("us-east-1", "us-east-2", StringComparison.Ordinal)).SetArgDisplayNames(
            "another Region");
        yield return new TestCaseData(SingleRegion.Replace("1111", "9999", StringComparison.Ordinal)).SetArgDisplayNames("another account");
        yield return new TestCaseData(SingleRegion[..^1] + "0").SetArgDisplayNames("another id");
        yield return new TestCaseData(Uuid).SetArgDisplayNames("the id alone");
        yield return new TestCaseData("alias/main").SetArgDisplayNames("an alias");
        yield return new TestCaseData("garbage").SetArgDisplayNames("garbage");
    }

    [SetUp]
    public void SetUp()
    {
        _kms = new Mock<IAmazonKeyManagementService>(MockBehavior.Strict);
        _kms.Setup(kms => kms.Dispose());
        var pipeline = new AwsPipeline(new ByokResilienceOptions { MaxRetryAttempts = 0 }, TimeProvider.System);
        var clock = new AgeClock(TimeProvider.System);
        var clients = new KmsClients(_ => _kms.Object);
        var region = new KmsRegion(_arn, new AnonymousAWSCredentials(), clients, pipeline, clock, NullLogger.Instance);
        var key = new KmsKey([region], failoverOnDenial: false, pipeline, clock, NullLogger.Instance);
        _keys = new PlaintextKeys(new CustomerKeys(key, []), RingOptions.From(new ByokOptions()), clock, NullLogger.Instance);
    }

    [TearDown]
    public void TearDown() => _keys.Dispose();

    [Test]
    public async Task Unwrap_names_the_key_and_the_algorithm_and_erases_the_answer()
    {
        DecryptRequest? asked = null;
        _kms.Setup(kms => kms.DecryptAsync(It.IsAny<DecryptRequest>(), It.IsAny<CancellationToken>()))
            .Callback((DecryptRequest request, CancellationToken _) => asked = request)
            .ReturnsAsync(Answer(SingleRegion, _plaintext));
        byte[] expected = [.. _plaintext];

        using var key = await OpenAsync(new Dictionary<string, string> { ["a"] = "b" });

        var bytes = new byte[DataKey.Length];
        key.CopyTo(bytes);
        Assert.That(bytes, Is.EqualTo(expected));
        Assert.That(_plaintext, Is.All.Zero, "where the AWS SDK left it");
        Assert.That(
            (asked!.KeyId, asked.EncryptionAlgorithm.Value, asked.EncryptionContext["a"]),
            Is.EqualTo((SingleRegion, "SYMMETRIC_DEFAULT", "b")));
        Assert.That(asked.CiphertextBlob.ToArray(), Is.EqualTo(_encrypted.Ciphertext.ToArray()));
    }

    [TestCaseSource(nameof(OtherKeys))]
    public async Task Unwrap_does_not_use_an_answer_for_another_key(string keyId)
    {
        Answers(Answer(keyId, _plaintext));

        var thrown = await Assert.ThrowsAsync<ByokServiceException>(async () => await OpenAsync());

        Assert.That(
            thrown!.Message, Is.EqualTo($"AWS KMS answered kms:Decrypt for another key than {SingleRegion}. The answer was not used."));
        Assert.That((thrown.IsTransient, thrown.Operation, thrown.Region), Is.EqualTo((false, "kms:Decrypt", "us-east-1")));
        Assert.That(_plaintext, Is.All.Zero);
    }

    [Test]
    public async Task Unwrap_does_not_use_an_answer_without_a_key([Values(null, "")] string? keyId)
    {
        Answers(Answer(keyId, _plaintext));

        var thrown = await Assert.ThrowsAsync<ByokServiceException>(async () => await OpenAsync());

        Assert.That(
            thrown!.Message, Is.EqualTo($"AWS KMS answered kms:Decrypt for the key {SingleRegion} without a result. Try again later."));
        Assert.That(thrown.IsTransient, Is.True);
        Assert.That(_plaintext, Is.All.Zero);
    }

    [Test]
    public async Task Unwrap_does_not_use_an_answer_without_plaintext([Values] bool isNull)
    {
        Answers(Answer(SingleRegion, isNull ? null : []));

        var thrown = await Assert.ThrowsAsync<ByokServiceException>(async () => await OpenAsync());

        Assert.That(
            thrown!.Message, Is.EqualTo($"AWS KMS answered kms:Decrypt for the key {SingleRegion} without a result. Try again later."));
    }

    [TestCase(1)]
    [TestCase(31)]
    [TestCase(33)]
    [TestCase(4096)]
    public async Task Unwrap_refuses_a_data_key_of_another_length(int length)
    {
        var plaintext = Enumerable.Repeat((byte)7, length).ToArray();
        Answers(Answer(SingleRegion, plaintext));

        await Assert.ThatAsync(() => OpenAsync(), Throws.TypeOf<ByokDecryptionException>().With.InnerException.Null);
        Assert.That(plaintext, Is.All.Zero);
    }

    [Test]
    public async Task Wrap_erases_what_it_sent_after_a_denial()
    {
        byte[]? sent = null;
        _kms.Setup(kms => kms.EncryptAsync(It.IsAny<EncryptRequest>(), It.IsAny<CancellationToken>()))
            .Callback((EncryptRequest request, CancellationToken _) => sent = Buffer(request.Plaintext))
            .ThrowsAsync(new AmazonKeyManagementServiceException("no") { ErrorCode = "AccessDeniedException" });

        await Assert.ThatAsync(() => WrapAsync(), Throws.TypeOf<ByokKeyUnavailableException>());
        Assert.That(sent, Has.Length.EqualTo(32).And.All.Zero);
    }

    [TestCaseSource(nameof(OtherKeys))]
    public async Task Wrap_does_not_use_an_answer_for_another_key(string keyId)
    {
        Wraps(new EncryptResponse { KeyId = keyId, CiphertextBlob = new MemoryStream([1]) });

        var thrown = await Assert.ThrowsAsync<ByokServiceException>(() => WrapAsync());

        Assert.That(
            thrown!.Message, Is.EqualTo($"AWS KMS answered kms:Encrypt for another key than {SingleRegion}. The answer was not used."));
    }

    [Test]
    public async Task Wrap_does_not_use_an_answer_without_a_result([Values(null, 0)] int? length)
    {
        Wraps(new EncryptResponse { KeyId = SingleRegion, CiphertextBlob = length is null ? null : new MemoryStream() });

        var thrown = await Assert.ThrowsAsync<ByokServiceException>(() => WrapAsync());

        Assert.That(
            thrown!.Message, Is.EqualTo($"AWS KMS answered kms:Encrypt for the key {SingleRegion} without a result. Try again later."));
        Assert.That(thrown.IsTransient, Is.True);
    }

    [TestCase(6144, false)]
    [TestCase(6145, true)]
    [TestCase(70_000, true)]
    public async Task Wrap_does_not_use_a_blob_that_KMS_would_not_decrypt(int length, bool isTooLong)
    {
        var blob = Enumerable.Repeat((byte)7, length).ToArray();
        Wraps(new EncryptResponse
        {
            KeyId = SingleRegion,
            CiphertextBlob = new MemoryStream(blob, 0, length, writable: true, publiclyVisible: true),
        });

        if (!isTooLong)
        {
            await Assert.ThatAsync(() => WrapAsync(), Throws.Nothing);
            return;
        }

        var thrown = await Assert.ThrowsAsync<ByokServiceException>(() => WrapAsync());
        Assert.That((thrown!.IsTransient, thrown.FailureKind), Is.EqualTo((true, ServiceFailureKind.Outage)));
        Assert.That(thrown.Message, Is.EqualTo(
            $"AWS KMS answered kms:Encrypt for the key {SingleRegion} with a ciphertext that it would not decrypt: it is too long. Try "
            + "again later."));
        Assert.That(blob, Is.All.Zero);
    }

    private static byte[] Buffer(MemoryStream stream) =>
        (byte[])typeof(MemoryStream).GetField(
            "_buffer", System.Reflection.BindingFlags.Instance | System.Reflection.BindingFlags.NonPublic)!.GetValue(stream)!;

    // As the AWS SDK makes it: over an array that can be reached.
    private static DecryptResponse Answer(string? keyId, byte[]? plaintext) => new()
    {
        KeyId = keyId,
        Plaintext = plaintext is null ? null : new MemoryStream(plaintext, 0, plaintext.Length, writable: true, publiclyVisible: true),
    };

    private void Answers(DecryptResponse answer) =>
        _kms.Setup(kms => kms.DecryptAsync(It.IsAny<DecryptRequest>(), It.IsAny<CancellationToken>())).ReturnsAsync(answer);

    private void Wraps(EncryptResponse answer) =>
        _kms.Setup(kms => kms.EncryptAsync(It.IsAny<EncryptRequest>(), It.IsAny<CancellationToken>())).ReturnsAsync(answer);

    private async Task<DataKey> OpenAsync(Dictionary<string, string>? context = null) =>
        (await _keys.Current.DecryptAsync(_encrypted.Ciphertext, context ?? NoContext, new byte[] { 0, 0 }, default)).Key;

    private Task<EncryptionKey> WrapAsync() => _keys.MakeAsync(EncryptionContext.Empty, default);
}
