using System.Buffers;
using System.Security.Cryptography;
using CsCheck;
using LocalAws;
using Scalr.Byok.Kms.Tests.KeyUse;
using Scalr.Byok.Kms.Tests.Messages;
using Scalr.Byok.Kms.Tests.World;

namespace Scalr.Byok.Kms.Tests.KeyRing;

/// <summary>What a re-encryption does with its streams.</summary>
internal sealed class ReencryptStreamTests
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
        yield return Case("reencrypted", Stream.Null, null!, typeof(ArgumentNullException));
        yield return Case("message", closed, Stream.Null, typeof(ArgumentException));
        yield return Case("reencrypted", Stream.Null, new MemoryStream([], writable: false), typeof(ArgumentException));
        yield return Case("message", null!, null!, typeof(ArgumentNullException));
        yield return Case("message", closed, closed, typeof(ArgumentException));

        static TestCaseData Case(string parameter, Stream message, Stream reencrypted, Type type) =>
            new TestCaseData(parameter, message, reencrypted, type).SetArgDisplayNames(parameter, Name(message), Name(reencrypted));

        static string Name(Stream stream) => stream is null ? "null" : stream.CanWrite ? "usable" : stream.CanRead ? "read-only" : "closed";
    }

    [TestCaseSource(nameof(Unusable))]
    public async Task Reencrypt_names_a_stream_that_it_cannot_use(string parameter, Stream message, Stream reencrypted, Type type)
    {
        await Assert.ThatAsync(
            () => _change.Both.ReencryptAsync(message, reencrypted),
            Throws.TypeOf(type).With.Property(nameof(ArgumentException.ParamName)).EqualTo(parameter));

        Assert.That(_change.World.Aws.Log.Requests, Is.Empty);
    }

    [Test]
    public async Task Reencrypt_begins_where_the_streams_are_and_leaves_them_open()
    {
        var message = await _change.EncryptOldAsync(Plaintext);
        using var source = new PieceStream([1, 2, 3, .. message]) { Position = 3 };
        using var destination = new PieceStream();
        destination.Write([4, 5]);

        Assert.That(await _change.Both.ReencryptAsync(source, destination), Is.True);

        Assert.That((source.IsClosed, destination.IsClosed, destination.Flushes), Is.EqualTo((false, false, 1)));
        Assert.That(destination.ToArray()[..2], Is.EqualTo(new byte[] { 4, 5 }));
        Assert.That((await _change.New.DecryptAsync(destination.ToArray().AsMemory(2))).AsSpan().SequenceEqual(Plaintext));
    }

    [TestCase(1)]
    [TestCase(39)]
    [TestCase(40)]
    [TestCase(4_096)]
    [TestCase(65_536)]
    public async Task Reencrypt_does_not_mind_how_the_message_comes_in(int piece)
    {
        var message = await _change.EncryptOldAsync(Plaintext);
        using var destination = new MemoryStream();

        await _change.Both.ReencryptAsync(new PieceStream(message) { NextPiece = () => piece }, destination);

        var reencrypted = destination.ToArray();
        Assert.That((await _change.New.DecryptAsync(reencrypted)).AsSpan().SequenceEqual(Plaintext));
    }

    [Test]
    public async Task Reencrypt_reads_the_header_of_a_current_message_and_writes_nothing()
    {
        var message = await _change.EncryptAsync(_change.New, Plaintext);
        using var source = new PieceStream(message)
        {
            BeforeEach = (at, _) => at > 10_000 ? throw new IOException("The body was read.") : ValueTask.CompletedTask,
        };
        using var destination = new PieceStream { BeforeEach = (_, _) => throw new IOException("Something was written.") };

        Assert.That(await _change.Both.ReencryptAsync(source, destination), Is.False);

        Assert.That((source.Position, destination.Length, destination.Flushes), Is.EqualTo((4_096L, 0L, 0)));
    }

    [Test]
    [Category("Slow")]
    public async Task Reencrypt_changes_the_frame_length_however_the_message_comes_in([Values(1, 2)] int threads)
    {
        var messages = new List<byte[]>();
        foreach (var frameLength in new[] { 16, 4_096, 65_500, 65_536, 1 << 20 })
        {
            foreach (var length in new[] { 0, 1, frameLength, 2 * frameLength, 20_001 })
            {
                var writer = _change.World.Ring(
                    new ByokKeySettings { KeyArn = _change.OldKey.Arn, Credentials = _change.OldCredentials },
                    options => (options.AllowedRegions, options.FrameLength) = ([_change.OldKey.Region], frameLength));
                messages.Add(await writer.EncryptAsync(RandomNumberGenerator.GetBytes(length)));
            }
        }

        var ring = _change.Ring(options => (options.FrameLength, options.MaxDegreeOfParallelism) = (50_000, threads));
        await Gen.Select(Gen.Int[0, messages.Count - 1], Gen.Int[1, 100_000].Array[1, 20], Gen.Bool).SampleAsync(
            async (which, pieces, later) =>
            {
                using var source = new SourceStream(messages[which], [.. pieces.Select(piece => new Chunk(piece, later))]);
                using var destination = new SinkStream(later);
                Assert.That(await ring.ReencryptAsync(source, destination), Is.True);
                var moved = destination.Content.ToArray();
                Assert.That(PlainHeader.Read(moved).FrameLength, Is.EqualTo(50_000));
                var plaintext = await ring.DecryptAsync(messages[which]);
                Assert.That((await ring.DecryptAsync(moved)).AsSpan().SequenceEqual(plaintext)); // megabytes: NUnit compares slowly
            },
            iter: 50);
    }

    [Test]
    public async Task Reencrypt_leaves_no_plaintext_in_the_buffers_of_the_pool([Values(1, 2)] int threads)
    {
        var plaintext = Enumerable.Repeat((byte)0xa7, 700_000).ToArray();
        var message = await _change.EncryptOldAsync(plaintext);
        var ring = _change.Ring(options => options.MaxDegreeOfParallelism = threads);

        // A new array of the pool has what was at its place before, for example another test's plaintext. So only these count.
        var before = Rent();
        before.ForEach(buffer => buffer.AsSpan().Clear());
        before.ForEach(buffer => ArrayPool<byte>.Shared.Return(buffer));

        await ring.ReencryptAsync(new MemoryStream(message), Stream.Null);
        _ = await ring.ReencryptAsync(message);

        // The pool gives back what was returned last.
        var after = Rent();
        var known = after.Where(before.Contains).ToList();
        Assert.That(known, Is.Not.Empty);
        Assert.That(known.Count(buffer => buffer.AsSpan().IndexOf(plaintext.AsSpan(0, 16)) >= 0), Is.Zero);
        after.ForEach(buffer => ArrayPool<byte>.Shared.Return(buffer));

        static List<byte[]> Rent() => Enumerable.Range(0, 16)
            .SelectMany(_ => new[] { 256 << 10, 512 << 10, 1 << 20 }).Select(ArrayPool<byte>.Shared.Rent).ToList();
    }

    [Test]
    public async Task Reencrypt_ends_a_signed_message_only_when_its_signature_is_right([Values] bool isRight, [Values(1, 2)] int threads)
    {
        var writer = PlainWriter.Signed with { KeyArn = _change.OldKey.Arn };
        var context = PlainHeader.Read(writer.Write(Plaintext).Bytes).Pairs;
        var message = (writer with
        {
            Ciphertext = await _change.WrapAsync(_change.OldKey, writer.DataKey, context),
            Signer = isRight ? PlainWriter.DefaultSigner : PlainWriter.OtherSigner,
        }).Write(Plaintext).Bytes;
        var ring = _change.Ring(options => (options.FrameLength, options.MaxDegreeOfParallelism) = (1_000, threads));
        using var destination = new PieceStream();

        var call = ring.ReencryptAsync(new MemoryStream(message), destination);

        if (isRight)
        {
            Assert.That(await call, Is.True);
            Assert.That((await _change.New.DecryptAsync(destination.ToArray())).AsSpan().SequenceEqual(Plaintext));
        }
        else
        {
            await Assert.ThatAsync(() => call, Throws.TypeOf<ByokDecryptionException>());
            Assert.That(destination.Flushes, Is.Zero);
            await Assert.ThatAsync(
                async () => await _change.New.DecryptAsync(destination.ToArray()), Throws.TypeOf<ByokDecryptionException>());
        }
    }

    [Test]
    public async Task Reencrypt_does_not_count_the_time_of_the_streams([Values] bool isCached)
    {
        var message = await _change.EncryptOldAsync(Plaintext);
        var ring = _change.Ring(options => options.DataKeyCache.MaxAge = isCached ? TimeSpan.FromMinutes(5) : TimeSpan.Zero);
        using var source = new PieceStream(message) { NextPiece = () => 10_000, BeforeEach = (_, _) => TakeTime() };
        using var destination = new PieceStream { BeforeEach = (_, _) => TakeTime() };

        Assert.That(await ring.ReencryptAsync(source, destination), Is.True);

        Assert.That((await _change.New.DecryptAsync(destination.ToArray())).AsSpan().SequenceEqual(Plaintext));

        async ValueTask TakeTime()
        {
            // A confirmation in the background has its own limit.
            await KeyUseWorld.SettleAsync(_change.World);
            _change.World.Time.Advance(TimeSpan.FromSeconds(11)); // longer than TotalTimeout
        }
    }

    [Test]
    public async Task Reencrypt_stops_when_a_key_is_denied_while_the_streams_wait([Values] bool isOld)
    {
        var message = await _change.EncryptOldAsync(new byte[8 << 20]);
        var denied = isOld ? _change.OldKey : _change.NewKey;
        var isDenied = false;
        using var source = new PieceStream(message)
        {
            NextPiece = () => 100_000,
            BeforeEach = async (at, token) =>
            {
                if (at > 1 << 20 && !isDenied)
                {
                    isDenied = true;
                    denied.Disable();
                    _change.World.Time.Advance(TimeSpan.FromMinutes(2)); // longer than ConfirmationInterval
                    await Task.Yield();
                    token.ThrowIfCancellationRequested();
                }
            },
        };
        using var destination = new MemoryStream();

        var denial = await Assert.ThrowsAsync<ByokKeyUnavailableException>(() => _change.Both.ReencryptAsync(source, destination));

        Assert.That((denial!.KeyArn.ToString(), denial.Reason), Is.EqualTo((denied.Arn, ByokKeyUnavailableReason.KeyDisabled)));
        Assert.That(destination.Length, Is.LessThan(8 << 20));
    }

    [TestCase(0)]
    [TestCase(10_000)]
    [TestCase(150_000)]
    public async Task Reencrypt_lets_what_the_source_throws_through(int position)
    {
        var message = await _change.EncryptOldAsync(Plaintext);
        var failure = new IOException("gone");
        using var source = new PieceStream(message)
        {
            NextPiece = () => 10_000,
            BeforeEach = (at, _) => at >= position ? throw failure : ValueTask.CompletedTask,
        };

        await Assert.ThatAsync(() => _change.Both.ReencryptAsync(source, new MemoryStream()), Throws.Exception.SameAs(failure));
    }

    [TestCase(0)]
    [TestCase(1)]
    [TestCase(int.MaxValue, TestName = "Reencrypt_lets_what_the_destination_throws_through(flush)")]
    public async Task Reencrypt_lets_what_the_destination_throws_through(int position)
    {
        var message = await _change.EncryptOldAsync(Plaintext);
        var length = (await _change.Both.ReencryptAsync(message)).Length;
        var failure = new IOException("full");
        using var destination = new PieceStream
        {
            BeforeEach = (at, _) => at >= Math.Min(position, length) ? throw failure : ValueTask.CompletedTask,
        };

        await Assert.ThatAsync(() => _change.Both.ReencryptAsync(new MemoryStream(message), destination), Throws.Exception.SameAs(failure));
    }

    [TestCase("Decrypt")]
    [TestCase("Encrypt")]
    public async Task Reencrypt_writes_nothing_when_AWS_fails(string operation)
    {
        var message = await _change.EncryptOldAsync(Plaintext);
        _change.World.Aws.Faults.Add(Fault.Error("KMSInternalException", 500) with { Operation = operation });
        using var destination = new PieceStream();

        await Assert.ThatAsync(
            () => _change.Both.ReencryptAsync(new MemoryStream(message), destination), Throws.TypeOf<ByokServiceException>());

        Assert.That((destination.Length, destination.Flushes), Is.EqualTo((0L, 0)));
    }

    [Test]
    public async Task Reencrypt_writes_nothing_of_a_forged_header()
    {
        var message = await _change.EncryptOldAsync(Plaintext);
        message[PlainHeader.Read(message).Length - 1] ^= 1;
        using var destination = new PieceStream();

        await Assert.ThatAsync(
            () => _change.Both.ReencryptAsync(new MemoryStream(message), destination), Throws.TypeOf<ByokDecryptionException>());

        Assert.That((destination.Length, destination.Flushes), Is.EqualTo((0L, 0)));
    }

    [Test]
    public async Task Reencrypt_leaves_nothing_that_decrypts_of_a_message_that_was_cut()
    {
        var message = await _change.EncryptOldAsync(Plaintext);
        using var destination = new PieceStream();

        await Assert.ThatAsync(
            () => _change.Both.ReencryptAsync(new MemoryStream(message[..^100]), destination), Throws.TypeOf<ByokDecryptionException>());

        Assert.That(destination.Flushes, Is.Zero);
        await Assert.ThatAsync(async () => await _change.New.DecryptAsync(destination.ToArray()), Throws.TypeOf<ByokDecryptionException>());
    }

    [Test]
    public async Task Reencrypt_ends_with_a_message_that_is_longer_than_it_may_be()
    {
        var tooLong = await _change.EncryptOldAsync(new byte[(1 << 20) + 1]);
        var ring = _change.Ring(options => options.MaxMessageLength = 1 << 20);

        await Assert.ThatAsync(
            () => ring.ReencryptAsync(new MemoryStream(tooLong), Stream.Null),
            Throws.TypeOf<ByokDecryptionException>().With.Message.Contains("1048576 bytes"));
    }
}
