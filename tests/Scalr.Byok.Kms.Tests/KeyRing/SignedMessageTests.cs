using Amazon.KeyManagementService;
using Amazon.KeyManagementService.Model;
using Scalr.Byok.Kms.Tests.Messages;
using Scalr.Byok.Kms.Tests.World;

namespace Scalr.Byok.Kms.Tests.KeyRing;

/// <summary>
/// Messages as AWS's own SDKs write them under the customer's key: signed, the public key in the context that KMS holds the data key to.
/// </summary>
internal sealed class SignedMessageTests
{
    private ByokWorld _world = null!;
    private IByokKeyRing _ring = null!;

    [SetUp]
    public async Task StartAsync()
    {
        _world = await ByokWorld.StartAsync();
        _ring = _world.Ring(ByokCredentialSettings.AccessKeysType);
    }

    [TearDown]
    public async Task StopAsync() => await _world.DisposeAsync();

    [Test]
    public async Task Decrypt_reads_every_layout([ValueSource(typeof(PlainWriter), nameof(PlainWriter.Layouts))] PlainWriter layout)
    {
        var message = await WriteAsync(layout);
        var room = new RecordedBuffer();
        using var sink = new SinkStream();
        var context = new Dictionary<string, string> { ["purpose"] = "example" };

        await _ring.DecryptAsync(message.Bytes, room, context);
        await _ring.DecryptAsync(new SourceStream(message.Bytes), sink, context);

        Assert.That(await _ring.DecryptAsync(message.Bytes), Is.EqualTo(message.Plaintext));
        Assert.That(room.Written, Is.EqualTo(message.Plaintext));
        Assert.That(sink.Content.ToArray(), Is.EqualTo(message.Plaintext));
    }

    [Test]
    public async Task Decrypt_keeps_the_last_frame_of_a_message_that_somebody_else_signed()
    {
        var message = await WriteAsync(PlainWriter.Signed with { Signer = PlainWriter.OtherSigner });
        var room = new RecordedBuffer();
        using var sink = new SinkStream();

        await Assert.ThatAsync(async () => await _ring.DecryptAsync(message.Bytes), Throws.TypeOf<ByokDecryptionException>());
        await Assert.ThatAsync(async () => await _ring.DecryptAsync(message.Bytes, room), Throws.TypeOf<ByokDecryptionException>());
        await Assert.ThatAsync(() => _ring.DecryptAsync(new SourceStream(message.Bytes), sink), Throws.TypeOf<ByokDecryptionException>());

        Assert.That(room.Advanced, Is.Empty);
        Assert.That(sink.Content.ToArray(), Is.EqualTo(message.Plaintext[..(2 * message.FrameLength)]));
    }

    [Test]
    public async Task Decrypt_has_KMS_refuse_another_public_key()
    {
        var writer = await WrapAsync(PlainWriter.Signed);
        var other = writer with { Signer = PlainWriter.OtherSigner, PublicKey = PlainWriter.Compressed(PlainWriter.OtherSigner) };

        await Assert.ThatAsync(
            async () => await _ring.DecryptAsync(other.Write(Sample.Plaintext).Bytes), Throws.TypeOf<ByokDecryptionException>());

        Assert.That(
            await _ring.DecryptAsync(writer.Write(Sample.Plaintext).Bytes),
            Is.EqualTo(Sample.Plaintext),
            "under the key it was wrapped with");
        Assert.That(_world.Aws.Log.Count("Decrypt"), Is.EqualTo(2));
    }

    private async Task<PlainMessage> WriteAsync(PlainWriter layout) => (await WrapAsync(layout)).Write(Sample.Plaintext);

    /// <summary>Has the data key wrapped under the customer's key and the whole context, as AWS's SDKs do.</summary>
    private async Task<PlainWriter> WrapAsync(PlainWriter layout)
    {
        using var kms = new AmazonKeyManagementServiceClient(
            _world.AccessKey.AccessKeyId,
            _world.AccessKey.SecretAccessKey,
            new AmazonKeyManagementServiceConfig { ServiceURL = _world.Aws.Endpoint.ToString(), AuthenticationRegion = ByokWorld.Region });
        var context = new Dictionary<string, string> { ["purpose"] = "example" };
        if (layout.PublicKey is { } key)
        {
            context["aws-crypto-public-key"] = key;
        }

        var answer = await kms.EncryptAsync(
            new EncryptRequest { KeyId = _world.Key.Arn, Plaintext = new MemoryStream(layout.DataKey), EncryptionContext = context });
        return layout with { KeyArn = answer.KeyId, Ciphertext = answer.CiphertextBlob.ToArray() };
    }
}
