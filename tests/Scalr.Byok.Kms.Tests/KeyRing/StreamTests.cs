using System.Security.Cryptography;
using LocalAws;
using Scalr.Byok.Kms.Tests.World;

namespace Scalr.Byok.Kms.Tests.KeyRing;

/// <summary>Streams through a key ring, with AWS at the other end of the wire.</summary>
internal sealed class StreamTests
{
    private const string Type = ByokCredentialSettings.AccessKeysType;

    private static readonly Dictionary<string, string> Context = new() { ["record"] = "variables/42" };
    private static readonly byte[] Plaintext = RandomNumberGenerator.GetBytes(2_000_000);

    private ByokWorld _world = null!;

    [SetUp]
    public async Task StartAsync() => _world = await ByokWorld.StartAsync();

    [TearDown]
    public async Task StopAsync() => await _world.DisposeAsync();

    [TestCase(0)]
    [TestCase(1)]
    [TestCase(65_535)]
    [TestCase(65_536)]
    [TestCase(65_537)]
    [TestCase(2_000_000)]
    public async Task Decrypt_returns_what_was_encrypted_by_stream_or_in_memory(int length)
    {
        var ring = _world.Ring(Type);
        var plaintext = Plaintext[..length];
        var streamed = await EncryptAsync(ring, plaintext);
        var inMemory = await ring.EncryptAsync(plaintext, Context);

        Assert.That(streamed, Has.Length.EqualTo(inMemory.Length));
        Assert.That(streamed.AsSpan(3, 32).SequenceEqual(inMemory.AsSpan(3, 32)), Is.False, "an id of its own");
        Assert.That((await ring.DecryptAsync(streamed, Context)).AsSpan().SequenceEqual(plaintext));
        Assert.That((await DecryptAsync(ring, streamed)).AsSpan().SequenceEqual(plaintext));
        Assert.That((await DecryptAsync(ring, inMemory)).AsSpan().SequenceEqual(plaintext));
        Assert.That((_world.Aws.Log.Count("Encrypt"), _world.Aws.Log.Count("Decrypt")), Is.EqualTo((2, 3)), "one call for each message");
    }

    [TestCase(16, 1, 1_000)]
    [TestCase(16, 5, 1_000)]
    [TestCase(1000, 2, 1_000_000)]
    [TestCase(16_777_216, 1, 100)]
    [TestCase(16_777_216, 5, 2_000_000)]
    public async Task Decrypt_returns_what_was_encrypted_with_other_options(int frameLength, int degree, int length)
    {
        var ring = _world.Ring(Type, options: o => (o.FrameLength, o.MaxDegreeOfParallelism) = (frameLength, degree));
        var plaintext = Plaintext[..length];

        var message = await EncryptAsync(ring, plaintext);

        Assert.That((await DecryptAsync(ring, message)).AsSpan().SequenceEqual(plaintext));
        Assert.That((await DecryptAsync(_world.Ring(Type), message)).AsSpan().SequenceEqual(plaintext), "with the default options, too");
    }

    [Test]
    public async Task Streams_are_used_from_where_they_stand_and_left_open()
    {
        var ring = _world.Ring(Type);
        using var source = new MemoryStream([1, 2, 3, .. Plaintext]) { Position = 3 };
        using var message = new MemoryStream();
        message.Write([4, 5, 6, 7]);
        using var target = new MemoryStream();
        target.Write([8, 9]);

        await ring.EncryptAsync(source, message);
        message.Position = 4;
        await ring.DecryptAsync(message, target);

        Assert.That((source.Position, message.Position), Is.EqualTo((source.Length, message.Length)), "read to their ends, and open");
        Assert.That(target.ToArray().AsSpan().SequenceEqual((byte[])[8, 9, .. Plaintext]));
        Assert.That(message.ToArray()[..4], Is.EqualTo(new byte[] { 4, 5, 6, 7 }));
    }

    [Test]
    public async Task Calls_name_a_stream_that_cannot_be_used_before_anything_else()
    {
        var ring = _world.Ring(Type);
        using var closed = new MemoryStream();
        await closed.DisposeAsync();
        using var readable = new SourceStream(Plaintext);
        using var writable = new SinkStream();

        await NamedAsync<ArgumentNullException>("plaintext", () => ring.EncryptAsync(null!, writable));
        await NamedAsync<ArgumentNullException>("message", () => ring.EncryptAsync(readable, (Stream)null!));
        await NamedAsync<ArgumentNullException>("message", () => ring.DecryptAsync(null!, writable));
        await NamedAsync<ArgumentNullException>("plaintext", () => ring.DecryptAsync(readable, (Stream)null!));
        foreach (var useless in (Stream[])[closed, writable])
        {
            await NamedAsync<ArgumentException>("plaintext", () => ring.EncryptAsync(useless, writable), "The stream cannot be read.");
            await NamedAsync<ArgumentException>("message", () => ring.DecryptAsync(useless, writable), "The stream cannot be read.");
        }

        foreach (var useless in (Stream[])[closed, readable])
        {
            await NamedAsync<ArgumentException>("message", () => ring.EncryptAsync(readable, useless), "The stream cannot be written.");
            await NamedAsync<ArgumentException>("plaintext", () => ring.DecryptAsync(readable, useless), "The stream cannot be written.");
        }

        var reserved = new Dictionary<string, string> { ["aws-crypto-x"] = "" };
        await NamedAsync<ArgumentException>("encryptionContext", () => ring.EncryptAsync(readable, writable, reserved));
        await NamedAsync<ArgumentException>(
            "encryptionContext", () => ring.DecryptAsync(readable, writable, new Dictionary<string, string> { ["a"] = null! }));
        Assert.That((readable.BytesRead, writable.Content.Length), Is.EqualTo((0, 0)));
        Assert.That(_world.Aws.Log.Requests, Is.Empty);
    }

    [TestCase("record", "variables/43")]
    [TestCase("Record", "variables/42")]
    [TestCase("missing", "")]
    public async Task Decrypt_writes_nothing_of_a_message_whose_context_differs(string name, string value)
    {
        var ring = _world.Ring(Type);
        var message = await EncryptAsync(ring, Plaintext);
        using var sink = new SinkStream();
        var other = new Dictionary<string, string> { [name] = value };

        await Assert.ThatAsync(() => ring.DecryptAsync(new SourceStream(message), sink, other), Throws.TypeOf<ByokDecryptionException>());

        Assert.That((sink.Content.Length, _world.Aws.Log.Count("Decrypt")), Is.EqualTo((0, 0)));
    }

    [Test]
    public async Task Calls_touch_no_plaintext_while_the_key_is_disabled()
    {
        var ring = _world.Ring(Type);
        var message = await EncryptAsync(ring, Plaintext);
        using var source = new SourceStream(Plaintext);
        using var sink = new SinkStream();
        _world.Key.Disable();

        await Assert.ThatAsync(() => ring.EncryptAsync(source, sink), Throws.TypeOf<ByokKeyUnavailableException>());
        await Assert.ThatAsync(() => ring.DecryptAsync(new SourceStream(message), sink), Throws.TypeOf<ByokKeyUnavailableException>());

        Assert.That((source.BytesRead, sink.Content.Length), Is.EqualTo((0, 0)));
    }

    [Test]
    public async Task Calls_that_are_cancelled_or_of_a_disposed_ring_touch_nothing()
    {
        var services = _world.Services();
        services.AddScalrByok().AddKeyRing(s => (s.KeyArn, s.Credentials) = (_world.Key.Arn, _world.Settings(Type).Credentials));
        var provider = _world.Build(services);
        var ring = (IByokKeyRing)provider.GetService(typeof(IByokKeyRing))!;
        using var source = new SourceStream(Plaintext);
        using var sink = new SinkStream();
        var cancelled = new CancellationToken(canceled: true);

        var encryption = await Assert.CatchAsync<OperationCanceledException>(
            () => ring.EncryptAsync(source, sink, cancellationToken: cancelled));
        var decryption = await Assert.CatchAsync<OperationCanceledException>(
            () => ring.DecryptAsync(source, sink, cancellationToken: cancelled));
        Assert.That((encryption!.CancellationToken, decryption!.CancellationToken), Is.EqualTo((cancelled, cancelled)));
        await provider.DisposeAsync();
        await Assert.ThatAsync(() => ring.EncryptAsync(source, sink), Throws.TypeOf<ObjectDisposedException>());
        await Assert.ThatAsync(() => ring.DecryptAsync(source, sink), Throws.TypeOf<ObjectDisposedException>());

        Assert.That((source.BytesRead, sink.Content.Length), Is.EqualTo((0, 0)));
        Assert.That(_world.Aws.Log.Requests, Is.Empty);
    }

    /// <summary>Without a request to AWS KMS, nothing else finds the token before the header is written.</summary>
    [Test]
    public async Task Calls_with_a_cached_data_key_that_are_cancelled_touch_nothing()
    {
        var ring = _world.Ring(Type, options: o => o.DataKeyCache.MaxAge = TimeSpan.FromMinutes(5));
        Assert.That((await DecryptAsync(ring, await EncryptAsync(ring, Plaintext))).AsSpan().SequenceEqual(Plaintext));
        using var source = new SourceStream(Plaintext);
        using var message = new SourceStream(await EncryptAsync(ring, Plaintext));
        using var sink = new SinkStream();
        var cancelled = new CancellationToken(canceled: true);

        await Assert.CatchAsync<OperationCanceledException>(() => ring.EncryptAsync(source, sink, Context, cancelled));
        await Assert.CatchAsync<OperationCanceledException>(() => ring.DecryptAsync(message, sink, Context, cancelled));

        Assert.That((source.BytesRead, message.BytesRead, sink.BytesWritten), Is.EqualTo((0, 0, 0)));
    }

    [Test]
    public async Task Calls_that_are_cancelled_under_way_end_at_once(
        [Values("AWS", "source", "destination")] string where, [Values] bool encrypts)
    {
        var ring = _world.Ring(Type);
        using var source = new SourceStream(encrypts ? Plaintext : await EncryptAsync(ring, Plaintext), new Chunk(10_000, Later: true));
        using var sink = new SinkStream(later: true);
        using var cancellation = new CancellationTokenSource();
        var hold = new Hold();
        if (where == "AWS")
        {
            _world.Aws.Faults.Add(Fault.BlackHole());
        }
        else
        {
            (where == "source" ? (WatchedStream)source : sink).At(1_000_000, hold.ObeyAsync);
        }

        var call = encrypts
            ? ring.EncryptAsync(source, sink, cancellationToken: cancellation.Token)
            : ring.DecryptAsync(source, sink, cancellationToken: cancellation.Token);
        await (where == "AWS" ? _world.ReceivedAsync(encrypts ? "Encrypt" : "Decrypt") : hold.Reached);
        await cancellation.CancelAsync();

        var thrown = await Assert.CatchAsync<OperationCanceledException>(() => call);
        Assert.That(thrown!.CancellationToken, Is.EqualTo(cancellation.Token));
        Assert.That((source.UnderWay, sink.UnderWay, sink.Flushes.Count), Is.EqualTo((0, 0, 0)));
        Assert.That(sink.Content.Length, where == "AWS" ? Is.Zero : Is.LessThan(2_000_000));
    }

    private static async Task NamedAsync<T>(string parameter, Func<Task> call, string words = "")
        where T : ArgumentException
    {
        var thrown = await Assert.ThrowsAsync<T>(() => call());
        Assert.That((thrown!.ParamName, thrown.Message.StartsWith(words, StringComparison.Ordinal)), Is.EqualTo((parameter, true)));
    }

    private static async Task<byte[]> EncryptAsync(IByokKeyRing ring, byte[] plaintext)
    {
        using var message = new SinkStream();
        await ring.EncryptAsync(new SourceStream(plaintext), message, Context);
        return message.Content.ToArray();
    }

    private static async Task<byte[]> DecryptAsync(IByokKeyRing ring, byte[] message)
    {
        using var plaintext = new SinkStream();
        await ring.DecryptAsync(new SourceStream(message), plaintext, Context);
        return plaintext.Content.ToArray();
    }
}
