using System.Buffers.Binary;
using System.Security.Cryptography;
using CsCheck;
using LocalAws;
using Scalr.Byok.Kms.Tests.Messages;
using Scalr.Byok.Kms.Tests.World;

namespace Scalr.Byok.Kms.Tests.KeyRing;

/// <summary>How a rewrap treats the streams it is given.</summary>
internal sealed class RewrapStreamTests
{
    private static readonly byte[] Plaintext = RandomNumberGenerator.GetBytes(200_000);

    private KeyChange _change = null!;

    [SetUp]
    public async Task StartAsync() => _change = await KeyChange.StartAsync();

    [TearDown]
    public async Task StopAsync() => await _change.DisposeAsync();

    private static IEnumerable<TestCaseData> Unusable()
    {
        using var closed = new MemoryStream();
        closed.Dispose();
        yield return Case("message", null!, Stream.Null, typeof(ArgumentNullException));
        yield return Case("rewrapped", Stream.Null, null!, typeof(ArgumentNullException));
        yield return Case("message", closed, Stream.Null, typeof(ArgumentException));
        yield return Case("rewrapped", Stream.Null, new MemoryStream([], writable: false), typeof(ArgumentException));
        yield return Case("message", null!, null!, typeof(ArgumentNullException));
        yield return Case("message", closed, closed, typeof(ArgumentException));

        static TestCaseData Case(string parameter, Stream message, Stream rewrapped, Type type) =>
            new TestCaseData(parameter, message, rewrapped, type).SetArgDisplayNames(parameter, Name(message), Name(rewrapped));

        static string Name(Stream stream) => stream is null ? "null" : stream.CanWrite ? "usable" : stream.CanRead ? "read-only" : "closed";
    }

    [TestCaseSource(nameof(Unusable))]
    public async Task Rewrap_names_a_stream_that_it_cannot_use(string parameter, Stream message, Stream rewrapped, Type type)
    {
        await Assert.ThatAsync(
            () => _change.Both.RewrapAsync(message, rewrapped), Throws.TypeOf(type).With.Property(nameof(ArgumentException.ParamName)).EqualTo(parameter));

        Assert.That(_change.World.Aws.Log.Requests, Is.Empty);
    }

    [Test]
    public async Task Rewrap_begins_where_the_streams_are_and_leaves_them_open([Values] bool current)
    {
        var message = await _change.EncryptAsync(current ? _change.New : _change.Old, Plaintext);
        using var source = new PieceStream([1, 2, 3, .. message]) { Position = 3 };
        using var destination = new PieceStream();
        destination.Write([4, 5]);

        await _change.Both.RewrapAsync(source, destination);

        Assert.That((source.IsClosed, destination.IsClosed, destination.Flushes), Is.EqualTo((false, false, 1)));
        Assert.That(destination.ToArray()[..2], Is.EqualTo(new byte[] { 4, 5 }));
        Assert.That(await _change.New.DecryptAsync(destination.ToArray().AsMemory(2)), Is.EqualTo(Plaintext));
    }

    [TestCase(1)]
    [TestCase(39)]
    [TestCase(40)]
    [TestCase(4_096)]
    [TestCase(65_536)]
    public async Task Rewrap_does_not_mind_how_the_message_comes_in(int piece)
    {
        var message = await _change.EncryptOldAsync(Plaintext);
        using var destination = new MemoryStream();

        await _change.Both.RewrapAsync(new PieceStream(message) { NextPiece = () => piece }, destination);

        var rewrapped = destination.ToArray();
        Assert.That(rewrapped[PlainHeader.Read(rewrapped).Length..], Is.EqualTo(message[PlainHeader.Read(message).Length..]));
        Assert.That(await _change.New.DecryptAsync(rewrapped), Is.EqualTo(Plaintext));
    }

    [Test]
    public async Task Rewrap_copies_a_current_message_however_it_comes_in()
    {
        // Frames of any length on both sides of the buffer's, in any pieces. No call to AWS in any of them.
        var messages = new List<byte[]>();
        foreach (var frameLength in new[] { 16, 65_500, 65_536, 1 << 20 })
        {
            var ring = _change.Ring(options => options.FrameLength = frameLength);
            messages.Add(await ring.EncryptAsync(Plaintext.AsMemory(0, frameLength < 100 ? 20_000 : Plaintext.Length)));
        }

        _change.World.Aws.Log.Clear();
        await Gen.Select(Gen.Int[0, messages.Count - 1], Gen.Int[1, 100_000].Array[1, 20]).SampleAsync(
            async (which, pieces) =>
            {
                var next = 0;
                using var source = new PieceStream(messages[which]) { NextPiece = () => pieces[next++ % pieces.Length] };
                using var destination = new MemoryStream();
                await _change.Both.RewrapAsync(source, destination);
                Assert.That(destination.ToArray().AsSpan().SequenceEqual(messages[which]));
            },
            iter: 300);

        Assert.That(_change.World.Aws.Log.Requests, Is.Empty);
    }

    [Test]
    public async Task Rewrap_needs_no_more_memory_for_a_longer_message()
    {
        var message = await _change.EncryptAsync(_change.New, Plaintext);
        var header = PlainHeader.Read(message);
        message = (header with { FrameLength = 1 << 20 }).Authenticated; // nobody checks the tag of a current message
        await _change.Both.RewrapAsync(new Frames([.. message, .. header.Tag], count: 1), Stream.Null);

        var before = GC.GetTotalAllocatedBytes(precise: true);
        await _change.Both.RewrapAsync(new Frames([.. message, .. header.Tag], count: 256), Stream.Null);

        Assert.That(GC.GetTotalAllocatedBytes(precise: true) - before, Is.LessThan(4 << 20), "of 256 MiB");
    }

    [TestCase(0)]
    [TestCase(10_000)]
    [TestCase(150_000)]
    public async Task Rewrap_lets_what_the_source_throws_through(int position)
    {
        var message = await _change.EncryptOldAsync(Plaintext);
        var failure = new IOException("gone");
        using var source = new PieceStream(message)
        {
            NextPiece = () => 10_000,
            BeforeEach = (at, _) => at >= position ? throw failure : ValueTask.CompletedTask,
        };

        await Assert.ThatAsync(() => _change.Both.RewrapAsync(source, new MemoryStream()), Throws.Exception.SameAs(failure));
    }

    [TestCase(0)]
    [TestCase(1)]
    [TestCase(int.MaxValue, TestName = "Rewrap_lets_what_the_destination_throws_through(flush)")]
    public async Task Rewrap_lets_what_the_destination_throws_through(int position)
    {
        var message = await _change.EncryptOldAsync(Plaintext);
        var length = (await _change.Both.RewrapAsync(message)).Length;
        var failure = new IOException("full");
        using var destination = new PieceStream
        {
            BeforeEach = (at, _) => at >= Math.Min(position, length) ? throw failure : ValueTask.CompletedTask,
        };

        await Assert.ThatAsync(() => _change.Both.RewrapAsync(new MemoryStream(message), destination), Throws.Exception.SameAs(failure));
    }

    [TestCase("Decrypt")]
    [TestCase("Encrypt")]
    public async Task Rewrap_writes_nothing_when_AWS_fails(string operation)
    {
        var message = await _change.EncryptOldAsync(Plaintext);
        _change.World.Aws.Faults.Add(Fault.Error("KMSInternalException", 500) with { Operation = operation });
        using var destination = new PieceStream();

        await Assert.ThatAsync(() => _change.Both.RewrapAsync(new MemoryStream(message), destination), Throws.TypeOf<ByokServiceException>());

        Assert.That((destination.Length, destination.Flushes), Is.EqualTo((0L, 0)));
    }

    [Test]
    public async Task Rewrap_writes_nothing_of_a_forged_header()
    {
        var message = await _change.EncryptOldAsync(Plaintext);
        message[PlainHeader.Read(message).Length - 1] ^= 1;
        using var destination = new PieceStream();

        await Assert.ThatAsync(() => _change.Both.RewrapAsync(new MemoryStream(message), destination), Throws.TypeOf<ByokDecryptionException>());

        Assert.That((destination.Length, destination.Flushes), Is.EqualTo((0L, 0)));
    }

    [Test]
    public async Task Rewrap_leaves_nothing_that_decrypts_of_a_message_that_was_cut()
    {
        var message = await _change.EncryptOldAsync(Plaintext);
        using var destination = new PieceStream();

        await Assert.ThatAsync(() => _change.Both.RewrapAsync(new MemoryStream(message[..^100]), destination), Throws.TypeOf<ByokDecryptionException>());

        Assert.That(destination.Flushes, Is.Zero);
        await Assert.ThatAsync(async () => await _change.New.DecryptAsync(destination.ToArray()), Throws.TypeOf<ByokDecryptionException>());
    }

    [Test]
    public async Task Rewrap_ends_with_a_message_that_is_longer_than_it_may_be()
    {
        var message = await _change.EncryptAsync(_change.New, Plaintext);
        var header = PlainHeader.Read(message);
        var tooLong = new Frames(message[..header.Length], count: 17); // of 64 KiB
        var ring = _change.Ring(options => options.MaxMessageLength = 1 << 20);

        await Assert.ThatAsync(() => ring.RewrapAsync(tooLong, Stream.Null), Throws.TypeOf<ByokDecryptionException>().With.Message.Contains("1048576 bytes"));
    }

    /// <summary>A header, and behind it as many frames of zeros as a test asks for, which take no memory.</summary>
    private sealed class Frames(byte[] header, int count) : MemoryStream(header)
    {
        private readonly byte[] _frame = new byte[PlainHeader.Read(header).FrameLength + 40];
        private int _sequence;
        private int _left;

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            if (Position < Length)
            {
                return base.ReadAsync(buffer, cancellationToken);
            }

            if (_left == 0 && _sequence < count)
            {
                var last = ++_sequence == count;
                BinaryPrimitives.WriteUInt32BigEndian(_frame, last ? uint.MaxValue : (uint)_sequence);
                BinaryPrimitives.WriteUInt32BigEndian(_frame.AsSpan(4), last ? (uint)_sequence : 0);
                _left = last ? 40 : _frame.Length - 8;
            }

            var length = Math.Min(_left, buffer.Length);
            var start = (_sequence == count ? 40 : _frame.Length - 8) - _left;
            _frame.AsSpan(start, length).CopyTo(buffer.Span);
            _left -= length;
            return ValueTask.FromResult(length);
        }
    }
}
