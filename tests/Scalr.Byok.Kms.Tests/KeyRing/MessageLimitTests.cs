using System.Security.Cryptography;
using Scalr.Byok.Kms.Tests.World;

namespace Scalr.Byok.Kms.Tests.KeyRing;

/// <summary>
/// The operator's limits, in memory and by stream: what exceeds them is refused in words, and costs no call to AWS to read.
/// </summary>
internal sealed class MessageLimitTests
{
    private const string Type = ByokCredentialSettings.AccessKeysType;

    private static readonly byte[] Plaintext = RandomNumberGenerator.GetBytes(200_000);

    private ByokWorld _world = null!;

    private static IEnumerable<TestCaseData> Limits()
    {
        yield return Case(
            "MaxMessageLength", o => o.MaxMessageLength = 200_000, "The message is longer than the 200000 bytes that are allowed.");
        yield return Case(
            "MaxHeaderLength", o => o.MaxHeaderLength = 1024, "The message's header is longer than the 1024 bytes that are allowed.");

        static TestCaseData Case(string what, Action<ByokOptions> options, string complaint) =>
            new TestCaseData(options, complaint).SetArgDisplayNames(what);
    }

    [SetUp]
    public async Task StartAsync() => _world = await ByokWorld.StartAsync();

    [TearDown]
    public async Task StopAsync() => await _world.DisposeAsync();

    [TestCaseSource(nameof(Limits))]
    public async Task Decrypt_refuses_what_exceeds_a_limit(Action<ByokOptions> options, string complaint)
    {
        var message = await _world.Ring(Type).EncryptAsync(Plaintext, new Dictionary<string, string> { ["long"] = new('x', 1000) });
        var ring = _world.Ring(Type, options: options);
        var room = new RecordedBuffer();
        using var sink = new SinkStream();

        await RefusedAsync(async () => await ring.DecryptAsync(message));
        await RefusedAsync(async () => await ring.DecryptAsync(message, room));
        Assert.That((room.Asked.Count, _world.Aws.Log.Count("Decrypt")), Is.EqualTo((0, 0)));
        await RefusedAsync(() => ring.DecryptAsync(new SourceStream(message), sink));
        Assert.That(sink.Content.Length, Is.LessThan(Plaintext.Length), "not its end");

        async Task RefusedAsync(Func<Task> call) =>
            Assert.That((await Assert.ThrowsAsync<ByokDecryptionException>(() => call()))!.Message, Is.EqualTo(complaint));
    }

    [Test]
    public async Task Encrypt_writes_no_header_that_it_would_not_read()
    {
        var ring = _world.Ring(Type, options: o => o.MaxHeaderLength = 1024);
        var context = new Dictionary<string, string> { ["long"] = new('x', 1000) };
        using var sink = new SinkStream();

        await RefusedAsync(async () => await ring.EncryptAsync(Plaintext, context));
        await RefusedAsync(() => ring.EncryptAsync(new SourceStream(Plaintext), sink, context));
        Assert.That(sink.Content.Length, Is.Zero);

        context["long"] = "short";
        Assert.That((await ring.DecryptAsync(await ring.EncryptAsync(Plaintext, context))).AsSpan().SequenceEqual(Plaintext));

        static async Task RefusedAsync(Func<Task> call)
        {
            var refusal = await Assert.ThrowsAsync<ArgumentException>(() => call());
            Assert.That(refusal!.Message, Does.Contain("more than the 1024 that MaxHeaderLength allows"));
            Assert.That(refusal.ParamName, Is.EqualTo("encryptionContext"));
        }
    }

    [Test]
    public async Task Decrypt_refuses_more_encrypted_data_keys_than_may_be([Values(1, 10)] int limit)
    {
        var ring = _world.Ring(Type, options: o => o.MaxEncryptedDataKeys = limit);
        var message = await ring.EncryptAsync("abc"u8.ToArray());
        message[38] = (byte)(limit + 1); // behind version, suite, id and an empty context
        var complaint = $"The message has more encrypted data keys than the {limit} that are allowed.";

        await Assert.ThatAsync(
            async () => await ring.DecryptAsync(message), Throws.TypeOf<ByokDecryptionException>().With.Message.EqualTo(complaint));
        await Assert.ThatAsync(
            () => ring.DecryptAsync(new SourceStream(message), new SinkStream()),
            Throws.TypeOf<ByokDecryptionException>().With.Message.EqualTo(complaint));
        Assert.That(_world.Aws.Log.Count("Decrypt"), Is.Zero);
    }

    [Test]
    public async Task Decrypt_refuses_longer_frames_by_stream_only()
    {
        var message = await _world.Ring(Type, options: o => o.FrameLength = 65_537).EncryptAsync(Plaintext);
        var ring = _world.Ring(Type, options: o => o.MaxFrameLength = 65_536);
        using var sink = new SinkStream();

        await Assert.ThatAsync(
            () => ring.DecryptAsync(new SourceStream(message), sink),
            Throws.TypeOf<ByokDecryptionException>().With.Message.EqualTo(
                "The message has a frame of more than the 65536 bytes that a stream may hold before they are authenticated. "
                + "Decrypt it in memory, or raise MaxFrameLength."));

        Assert.That(sink.Content.Length, Is.Zero);
        Assert.That((await ring.DecryptAsync(message)).AsSpan().SequenceEqual(Plaintext));
    }

    [Test]
    public async Task Encrypt_refuses_to_write_what_could_not_be_read()
    {
        var ring = _world.Ring(Type, options: o => o.MaxMessageLength = Plaintext.Length);
        var room = new RecordedBuffer();
        using var sink = new SinkStream();
        using var source = new MemoryStream(new byte[Plaintext.Length + 1]);

        await RefusedAsync(async () => await ring.EncryptAsync(Plaintext));
        await RefusedAsync(async () => await ring.EncryptAsync(Plaintext, room));
        await RefusedAsync(() => ring.EncryptAsync(source, sink));
        Assert.That((room.Asked.Count, sink.Content.Length), Is.EqualTo((0, 0)), "its length is known beforehand");

        await RefusedAsync(() => ring.EncryptAsync(new SourceStream(Plaintext), sink));
        Assert.That(sink.Content.Length, Is.LessThanOrEqualTo(Plaintext.Length));
        Assert.That(sink.Flushes, Is.Empty);

        async Task RefusedAsync(Func<Task> call)
        {
            var thrown = await Assert.ThrowsAsync<ArgumentException>(() => call());
            Assert.That(thrown!.ParamName, Is.EqualTo("plaintext"));
            Assert.That(thrown.Message, Does.StartWith("The message would be longer than the 200000 bytes that MaxMessageLength allows."));
        }
    }
}
