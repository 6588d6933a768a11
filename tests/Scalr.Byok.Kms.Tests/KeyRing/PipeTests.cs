using System.Buffers;
using System.IO.Pipelines;
using System.Security.Cryptography;
using Moq;
using Scalr.Byok.Kms.Tests.World;

namespace Scalr.Byok.Kms.Tests.KeyRing;

/// <summary>Pipes, bytes in pieces and streams in memory through a key ring, with AWS at the other end of the wire.</summary>
[CancelAfter(120_000)]
internal sealed class PipeTests
{
    private const string Type = ByokCredentialSettings.AccessKeysType;

    private static readonly Dictionary<string, string> Context = new() { ["record"] = "variables/42" };
    private static readonly byte[] Plaintext = RandomNumberGenerator.GetBytes(2_000_000);

    // How bytes are passed to a ring and taken from it.
    private static readonly Dictionary<string, Func<byte[], Verbs, Task<byte[]>>> Ways = new()
    {
        ["memory"] = async (bytes, verbs) => await verbs.Memory(bytes),
        ["stream"] = async (bytes, verbs) =>
        {
            using SinkStream sink = new();
            await verbs.Stream(new SourceStream(bytes), sink);
            return sink.Content.ToArray();
        },
        ["streams in memory"] = async (bytes, verbs) =>
        {
            using MemoryStream sink = new();
            await verbs.Stream(new MemoryStream(bytes, 0, bytes.Length, writable: false, publiclyVisible: true), sink);
            return sink.ToArray();
        },
        ["pipe"] = async (bytes, verbs) =>
        {
            StrictPipeWriter sink = new();
            await verbs.Pipe(new StrictPipeReader(bytes, 30_000, true, 4096), sink);
            return sink.Content.ToArray();
        },
        ["pieces"] = async (bytes, verbs) =>
        {
            ArrayBufferWriter<byte> buffer = new();
            await verbs.Pieces(Pieces.Of(bytes, 5000), buffer);
            return buffer.WrittenSpan.ToArray();
        },
    };

    private ByokWorld _world = null!;

    private static IEnumerable<string> WayNames => Ways.Keys;

    [OneTimeSetUp]
    public async Task StartAsync() => _world = await ByokWorld.StartAsync();

    [SetUp]
    public void ClearLog() => _world.Aws.Log.Clear();

    [TearDown]
    public async Task EndHostsAsync()
    {
        _world.Key.Enable();
        await _world.EndHostsAsync();
    }

    [OneTimeTearDown]
    public async Task StopAsync() => await _world.DisposeAsync();

    [Test]
    public async Task Every_way_reads_what_every_way_writes(
        [ValueSource(nameof(WayNames))] string writer, [ValueSource(nameof(WayNames))] string reader, [Values(1, 2)] int degree)
    {
        var ring = _world.Ring(Type, options: o =>
        {
            o.MaxDegreeOfParallelism = degree;
            o.DataKeyCache.MaxAge = TimeSpan.FromMinutes(5);
        });
        foreach (var length in new[] { 0, 1, 65_535, 65_536, 65_537, 131_072, 2_000_000 })
        {
            var message = await Ways[writer](Plaintext[..length], Encryption(ring));
            Assert.That((await Ways[reader](message, Decryption(ring))).AsSpan().SequenceEqual(Plaintext.AsSpan(0, length)), $"{length}");
            if (reader == "memory")
            {
                // Once for each writer.
                Assert.That(message, Has.Length.EqualTo((await ring.EncryptAsync(Plaintext.AsMemory(0, length), Context)).Length));
            }
        }

        Assert.That(_world.Aws.Log.Count("Encrypt"), Is.EqualTo(1), "one data key for all");
    }

    [Test]
    public async Task A_data_key_encrypts_about_as_many_bytes_as_its_limit_permits([ValueSource(nameof(WayNames))] string writer)
    {
        var ring = _world.Ring(Type, options: o => (o.DataKeyCache.MaxAge, o.DataKeyCache.MaxBytes) = (TimeSpan.FromMinutes(5), 10_000));
        for (var i = 0; i < 10; i++)
        {
            await Ways[writer](Plaintext[..6000], Encryption(ring));
        }

        // Two messages each, or fewer where the next data key is made ahead of time.
        Assert.That(_world.Aws.Log.Count("Encrypt"), Is.InRange(5, 10));
    }

    [Test]
    public async Task No_way_reads_a_message_of_another_context(
        [ValueSource(nameof(WayNames))] string writer, [ValueSource(nameof(WayNames))] string reader)
    {
        var ring = _world.Ring(Type);
        var message = await Ways[writer](Plaintext[..100], Encryption(ring, new Dictionary<string, string> { ["record"] = "other" }));

        await Assert.ThatAsync(() => Ways[reader](message, Decryption(ring)), Throws.TypeOf<ByokDecryptionException>());
    }

    [Test]
    public async Task Nothing_is_consumed_or_written_if_there_is_no_key([Values] bool encrypts)
    {
        var ring = _world.Ring(Type);
        var message = await ring.EncryptAsync(Plaintext, Context);
        _world.Key.Disable();
        StrictPipeReader source = new(encrypts ? Plaintext : message);
        StrictPipeWriter sink = new();

        await Assert.ThatAsync(
            () => encrypts ? ring.EncryptAsync(source, sink, Context) : ring.DecryptAsync(source, sink, Context),
            Throws.TypeOf<ByokKeyUnavailableException>());

        Assert.That((sink.BytesWritten, source.IsReading), Is.EqualTo((0, false)));
        Assert.That(source.BytesConsumed, Is.LessThan(1000), "at most the header");
    }

    [Test]
    public async Task Calls_name_what_is_missing()
    {
        var ring = _world.Ring(Type);
        StrictPipeReader reader = new(default);
        StrictPipeWriter writer = new();

        await NamedAsync("ring", () => ((IByokKeyRing)null!).EncryptAsync(reader, writer));
        await NamedAsync("ring", () => ((IByokKeyRing)null!).DecryptAsync(reader, writer));
        await NamedAsync("plaintext", () => ring.EncryptAsync((PipeReader)null!, writer));
        await NamedAsync("message", () => ring.EncryptAsync(reader, null!));
        await NamedAsync("message", () => ring.DecryptAsync((PipeReader)null!, writer));
        await NamedAsync("plaintext", () => ring.DecryptAsync(reader, null!));
        await NamedAsync("message", () => ring.EncryptAsync(Pieces.Of((byte[])[1], 1), null!).AsTask());
        await NamedAsync("plaintext", () => ring.DecryptAsync(Pieces.Of((byte[])[1], 1), null!).AsTask());
        Assert.That(_world.Aws.Log.Requests, Is.Empty);

        static async Task NamedAsync(string name, Func<Task> call) => await Assert.ThatAsync(
            () => call(), Throws.ArgumentNullException.With.Property(nameof(ArgumentException.ParamName)).EqualTo(name));
    }

    [Test]
    public async Task Another_implementation_of_the_interface_gets_streams_and_bytes_in_one_piece()
    {
        Mock<IByokKeyRing> ring = new(MockBehavior.Strict);
        ring.Setup(r => r.EncryptAsync(It.IsAny<Stream>(), It.IsAny<Stream>(), Context, default))
            .Returns((Stream source, Stream sink, IReadOnlyDictionary<string, string>? _, CancellationToken stop) =>
                source.CopyToAsync(sink, stop));
        ring.Setup(r => r.DecryptAsync(It.IsAny<Stream>(), It.IsAny<Stream>(), Context, default))
            .Returns((Stream source, Stream sink, IReadOnlyDictionary<string, string>? _, CancellationToken stop) =>
                source.CopyToAsync(sink, stop));
        ring.Setup(r => r.EncryptAsync(It.IsAny<ReadOnlyMemory<byte>>(), It.IsAny<IBufferWriter<byte>>(), Context, default))
            .Returns((ReadOnlyMemory<byte> bytes, IBufferWriter<byte> sink, IReadOnlyDictionary<string, string>? _, CancellationToken _) =>
            {
                sink.Write(bytes.Span);
                return default;
            });
        ring.Setup(r => r.DecryptAsync(It.IsAny<ReadOnlyMemory<byte>>(), It.IsAny<IBufferWriter<byte>>(), Context, default))
            .Returns((ReadOnlyMemory<byte> bytes, IBufferWriter<byte> sink, IReadOnlyDictionary<string, string>? _, CancellationToken _) =>
            {
                sink.Write(bytes.Span);
                return default;
            });
        var bytes = Plaintext[..100_000];

        foreach (var verbs in new[] { Encryption(ring.Object), Decryption(ring.Object) })
        {
            Pipe sink = new(new PipeOptions(pauseWriterThreshold: 0));
            await verbs.Pipe(PipeReader.Create(new(bytes)), sink.Writer);
            await sink.Writer.CompleteAsync();
            var read = await sink.Reader.ReadAtLeastAsync(bytes.Length);
            Assert.That(read.Buffer.ToArray(), Is.EqualTo(bytes), "left open, and flushed");
            Assert.That(await Ways["pieces"](bytes, verbs), Is.EqualTo(bytes));
            await sink.Reader.CompleteAsync();
        }
    }

    [Test]
    public async Task A_stream_in_memory_is_written_behind_what_it_has_and_grows([Values(0, 10, 1_999_990)] int before)
    {
        var ring = _world.Ring(Type, options: o => o.DataKeyCache.MaxAge = TimeSpan.FromMinutes(5));
        using MemoryStream source = new();
        source.Write(Plaintext);
        source.Position = before;
        using MemoryStream message = new();
        message.Write(Plaintext, 0, before);
        using MemoryStream target = new(new byte[2_000_100], 50, 2_000_050, writable: true, publiclyVisible: true);
        target.SetLength(3);
        target.Position = 3;

        await ring.EncryptAsync(source, message, Context);
        Assert.That((source.Position, message.Position), Is.EqualTo((source.Length, message.Length)), "read and written to their ends");
        Assert.That(message.GetBuffer().AsSpan(0, before).SequenceEqual(Plaintext.AsSpan(0, before)));
        message.Position = before;
        await ring.DecryptAsync(message, target, Context);

        Assert.That((message.Position, target.Position), Is.EqualTo((message.Length, target.Length)));
        Assert.That(target.ToArray().AsSpan(3).SequenceEqual(Plaintext.AsSpan(before)));
        Assert.That(target.ToArray()[..3], Is.EqualTo(new byte[3]));
    }

    // Each of these has to be read or written as any stream, because its buffer is not the caller's, or more than bytes at its end.
    [Test]
    public async Task A_stream_in_memory_that_is_more_than_its_buffer_is_used_as_a_stream([Values(0, 1, 2, 3, 4)] int kind)
    {
        var ring = _world.Ring(Type);
        var bytes = Plaintext[..100_000];
        var room = new byte[300_000];
        using var source = kind switch
        {
            0 => new MemoryStream(bytes), // hidden
            1 => new CountingStream(bytes),
            _ => new MemoryStream(bytes, 0, bytes.Length, writable: false, publiclyVisible: true),
        };
        using var sink = kind switch
        {
            2 => new MemoryStream(room), // hidden
            3 => new MemoryStream(room, 0, room.Length, writable: true, publiclyVisible: true), // in the middle of what it has
            4 => new CountingStream([]),
            _ => new MemoryStream(),
        };

        await ring.EncryptAsync(source, sink, Context);

        var end = (int)sink.Position;
        Assert.That(await ring.DecryptAsync(sink.ToArray().AsMemory(0, end), Context), Is.EqualTo(bytes));
        Assert.That(source.Position, Is.EqualTo(source.Length));
        Assert.That((source as CountingStream ?? sink as CountingStream)?.Calls, kind is 1 or 4 ? Is.GreaterThan(0) : Is.Null);
    }

    [Test]
    public async Task A_stream_in_memory_that_is_decrypted_in_its_own_array_is_used_as_a_stream()
    {
        var ring = _world.Ring(Type, options: o => o.MaxDegreeOfParallelism = 8);
        var room = await ring.EncryptAsync(Plaintext, Context);
        using MemoryStream source = new(room, 0, room.Length, writable: false, publiclyVisible: true);
        using MemoryStream sink = new(room, 0, room.Length, writable: true, publiclyVisible: true);
        sink.SetLength(0);

        await ring.DecryptAsync(source, sink, Context);

        Assert.That(sink.ToArray().AsSpan().SequenceEqual(Plaintext));
    }

    [Test]
    public async Task A_stream_in_memory_without_room_throws_its_own_exception()
    {
        var ring = _world.Ring(Type);
        using MemoryStream source = new();
        source.Write(Plaintext);
        source.Position = 0;
        using MemoryStream sink = new(new byte[1_000_000], 0, 1_000_000, writable: true, publiclyVisible: true);
        sink.SetLength(0);

        await Assert.ThatAsync(() => ring.EncryptAsync(source, sink, Context), Throws.TypeOf<NotSupportedException>());
    }

    [Test]
    public async Task A_stream_in_memory_has_nothing_behind_its_end_of_a_message_that_is_refused([Values(1, 2)] int degree)
    {
        var ring = _world.Ring(Type, options: o => o.MaxDegreeOfParallelism = degree);
        var message = await ring.EncryptAsync(Plaintext, Context);
        message[^1] ^= 1;
        using MemoryStream sink = new(new byte[3_000_000], 0, 3_000_000, writable: true, publiclyVisible: true);
        sink.SetLength(0);

        await Assert.ThatAsync(
            () => ring.DecryptAsync(new MemoryStream(message, 0, message.Length, false, publiclyVisible: true), sink, Context),
            Throws.TypeOf<ByokDecryptionException>());

        Assert.That(Plaintext.AsSpan().StartsWith(sink.ToArray()), "only what is authentic");
        Assert.That(sink.Length, Is.LessThan(Plaintext.Length));
        Assert.That(sink.GetBuffer().AsSpan((int)sink.Length).ContainsAnyExcept((byte)0), Is.False);
    }

    private static Verbs Encryption(IByokKeyRing ring, IReadOnlyDictionary<string, string>? context = null) => new(
        async bytes => await ring.EncryptAsync(bytes, context ?? Context),
        (source, sink) => ring.EncryptAsync(source, sink, context ?? Context),
        (source, sink) => ring.EncryptAsync(source, sink, context ?? Context),
        async (source, sink) => await ring.EncryptAsync(source, sink, context ?? Context));

    private static Verbs Decryption(IByokKeyRing ring) => new(
        async bytes => await ring.DecryptAsync(bytes, Context),
        (source, sink) => ring.DecryptAsync(source, sink, Context),
        (source, sink) => ring.DecryptAsync(source, sink, Context),
        async (source, sink) => await ring.DecryptAsync(source, sink, Context));

    /// <summary>What a ring does, each way.</summary>
    private sealed record Verbs(
        Func<byte[], Task<byte[]>> Memory,
        Func<Stream, Stream, Task> Stream,
        Func<PipeReader, PipeWriter, Task> Pipe,
        Func<ReadOnlySequence<byte>, IBufferWriter<byte>, Task> Pieces);

    /// <summary>A stream in memory that counts its calls, as a class of the host may.</summary>
    private sealed class CountingStream : MemoryStream
    {
        public CountingStream(byte[] content)
        {
            base.Write(content, 0, content.Length);
            Position = 0;
        }

        public int Calls { get; private set; }

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            Calls++;
            return base.ReadAsync(buffer, cancellationToken);
        }

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            Calls++;
            return base.WriteAsync(buffer, cancellationToken);
        }
    }
}
