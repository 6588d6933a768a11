using System.Buffers;
using System.IO.Pipelines;
using CsCheck;
using Scalr.Byok.Kms.Messages;
using Scalr.Byok.Kms.Tests.World;

namespace Scalr.Byok.Kms.Tests.Messages;

/// <summary>Messages between pipes: the bytes of messages in memory, however they arrive.</summary>
[Category("Slow")]
internal sealed class MessagePipeTests
{
    private static readonly int[][] PieceLengths = [[int.MaxValue], [4096], [1, 7, 5000], [65_569]];

    [Test]
    public async Task Pipes_carry_the_same_bytes_around_whole_frames_and_whole_batches(
        [Values(1000, 4096, 65_536, 524_256, 600_000)] int frameLength, [Values(1, 2, 5)] int degree)
    {
        var batch = PipePair.BatchFrames(frameLength + 32, degree) * frameLength;
        foreach (var whole in new[] { 0, frameLength, 2 * frameLength, batch - frameLength, batch, batch + frameLength })
        {
            foreach (var length in new[] { whole - 1, whole, whole + 1 }.Where(length => length is >= 0 and <= 4 << 20))
            {
                await AssertCarriedAsync(frameLength, length, degree, int.MaxValue, endsWithLast: true, [4096]);
            }
        }
    }

    [Test]
    public Task Pipes_carry_the_same_bytes_however_they_come() =>
        Gen.Select(
            StreamSamples.Sizes,
            StreamSamples.Degrees,
            Gen.OneOf(Gen.Int[500, 5000], Gen.Int[5000, 200_000], Gen.Const(int.MaxValue)),
            Gen.Bool,
            Gen.Int[0, PieceLengths.Length - 1].Select(i => PieceLengths[i])).SampleAsync(
                (sizes, degree, arrival, endsWithLast, pieces) =>
                    AssertCarriedAsync(sizes.FrameLength, sizes.Length, degree, arrival, endsWithLast, pieces),
                iter: Repetitions.Of(60));

    [Test]
    public async Task Messages_of_every_layout_arrive_byte_by_byte(
        [ValueSource(typeof(PlainWriter), nameof(PlainWriter.Layouts))] PlainWriter writer,
        [Values] bool endsWithLast,
        [Values] bool endsEmpty)
    {
        foreach (var length in new[] { 0, 1, 15, 16, 17, 32, 100 })
        {
            var message = (writer with { EndsEmpty = endsEmpty }).Write(StreamSamples.Plaintext(length));
            StrictPipeReader source = new(message.Bytes, arrival: 1, endsWithLast, 1);
            StrictPipeWriter sink = new(later: true);

            await Piped.DecryptAsync(source, sink, Sample.Options);

            Assert.That(sink.Content.SequenceEqual(message.Plaintext), $"{length} bytes");
            Assert.That((source.BytesConsumed, source.IsReading), Is.EqualTo((message.Bytes.Length, false)));
            Assert.That(sink.Flushes[^1], Is.EqualTo(length));
        }
    }

    [Test]
    public async Task Long_messages_of_every_layout_come_in_pieces(
        [ValueSource(typeof(PlainWriter), nameof(PlainWriter.Layouts))] PlainWriter writer, [Values(1, 2, 5)] int degree)
    {
        foreach (var length in new[] { 400_000, 524_288 - 8, 1_000_000 })
        {
            var message = StreamSamples.Message(writer, frameLength: 4096, length);
            foreach (var pieces in PieceLengths)
            {
                StrictPipeWriter sink = new() { Expected = message.Plaintext };
                RecordedBuffer buffer = new();

                await Piped.DecryptAsync(new StrictPipeReader(message.Bytes, 70_000, true, pieces), sink, Streamed.Options(degree));
                Piped.Decrypt(Pieces.Of(message.Bytes, pieces), buffer, Streamed.Options(degree));

                Assert.That(sink.IsAsExpected, "by pipe");
                Assert.That(buffer.Written.AsSpan().SequenceEqual(message.Plaintext), "in memory");
                Assert.That(buffer.Asked, Is.EqualTo(new[] { length }).And.EqualTo(buffer.Advanced));
                Assert.That(sink.IsRestUntouched && buffer.IsRestUntouched);
            }
        }
    }

    [Test]
    public async Task A_message_that_is_cut_anywhere_is_refused(
        [ValueSource(typeof(PlainWriter), nameof(PlainWriter.Layouts))] PlainWriter writer)
    {
        var message = writer.Write(StreamSamples.Plaintext(40));
        for (var length = 0; length < message.Bytes.Length; length++)
        {
            foreach (var arrival in Arrivals(length, few: 37))
            {
                await AssertRefusedAsync(message.Bytes[..length], message, arrival, degree: 1, $"cut after {length} bytes");
            }
        }
    }

    [Test]
    public async Task A_message_with_any_byte_changed_is_refused(
        [ValueSource(typeof(PlainWriter), nameof(PlainWriter.Layouts))] PlainWriter writer)
    {
        var message = writer.Write(StreamSamples.Plaintext(40));
        for (var offset = 0; offset < message.Bytes.Length; offset++)
        {
            byte[] changed = [.. message.Bytes];
            changed[offset] ^= 0x10;
            foreach (var arrival in Arrivals(offset, few: 61))
            {
                await AssertRefusedAsync(changed, message, arrival, degree: 1, $"byte {offset}");
            }
        }
    }

    [Test]
    public async Task A_message_that_goes_on_is_refused(
        [ValueSource(typeof(PlainWriter), nameof(PlainWriter.Layouts))] PlainWriter writer,
        [Values(1, 70_000)] int more,
        [Values(1, 1000, int.MaxValue)] int arrival)
    {
        var message = writer.Write(StreamSamples.Plaintext(40));

        await AssertRefusedAsync([.. message.Bytes, .. new byte[more]], message, arrival, degree: 1, $"{more} bytes more");
    }

    [Test]
    public async Task A_frame_that_is_forged_far_behind_releases_no_batch_with_it(
        [ValueSource(typeof(PlainWriter), nameof(PlainWriter.Layouts))] PlainWriter writer,
        [Values(1, 2, 5)] int degree,
        [Values(1000, 100_000, int.MaxValue)] int arrival,
        [Values(0.1, 0.5, 0.9999)] double place)
    {
        var message = StreamSamples.Message(writer, frameLength: 4096, 1_500_000);
        byte[] changed = [.. message.Bytes];
        changed[(int)(place * (changed.Length - 1))] ^= 1;

        await AssertRefusedAsync(changed, message, arrival, degree, $"at {place}");
    }

    [Test]
    public async Task The_last_frame_is_held_back_until_the_source_ends(
        [ValueSource(typeof(PlainWriter), nameof(PlainWriter.Layouts))] PlainWriter writer, [Values(1, 2)] int degree)
    {
        var message = StreamSamples.Message(writer, frameLength: 100_000, 1_000_000);
        StrictPipeReader source = new(message.Bytes, endsWithLast: false);
        StrictPipeWriter sink = new();
        long releasedBefore = -1;
        source.At(message.Bytes.Length, _ =>
        {
            releasedBefore = sink.BytesWritten;
            return default;
        });

        await Piped.DecryptAsync(source, sink, Streamed.Options(degree));

        Assert.That(releasedBefore, Is.EqualTo(writer.IsFramed ? 900_000 : 0), "when all was there but the end");
        Assert.That(sink.Content.SequenceEqual(message.Plaintext));
    }

    [Test]
    public async Task Frames_are_passed_on_as_they_arrive([Values] bool encrypts)
    {
        var plaintext = StreamSamples.Plaintext(100_000);
        var message = Sample.Message(plaintext, Sample.Template(frameLength: 4096));
        StrictPipeReader source = new(encrypts ? plaintext : message, arrival: 5000);
        StrictPipeWriter sink = new();

        await RunAsync(encrypts, source, sink, Streamed.Options(1) with { FrameLength = 4096 });

        Assert.That(sink.Content.SequenceEqual(encrypts ? message : plaintext));
        Assert.That(sink.Flushes, Has.Count.GreaterThanOrEqualTo(20), "no frame waits for a batch");
        Assert.That(source.MostHeld, Is.LessThanOrEqualTo(3 * 5000), "and little is held");
    }

    [Test]
    public async Task Little_is_asked_of_the_pipes([Values] bool encrypts, [Values(1, 2, 64)] int degree)
    {
        var plaintext = StreamSamples.Plaintext(4 << 20);
        var message = Sample.Message(plaintext, Sample.Template(frameLength: 4096));
        StrictPipeReader source = new(encrypts ? plaintext : message);
        StrictPipeWriter sink = new();

        await RunAsync(encrypts, source, sink, Streamed.Options(degree) with { FrameLength = 4096 });

        Assert.That(sink.Content.SequenceEqual(encrypts ? message : plaintext));
        Assert.That(sink.MostAsked, Is.LessThanOrEqualTo((degree == 1 ? 512 << 10 : 8 << 20) + 1000));
    }

    [Test]
    public async Task The_pipes_of_the_platform_carry_more_than_they_hold(
        [Values] bool encrypts, [Values(4096, 65_536, 600_000)] int frameLength, [Values(1, 2)] int degree)
    {
        var plaintext = StreamSamples.Plaintext(3_000_000);
        var message = Sample.Message(plaintext, Sample.Template(frameLength: frameLength));
        var (input, output) = encrypts ? (plaintext, message) : (message, plaintext);

        // Thresholds of 64 KiB, less than a frame.
        Pipe source = new();
        Pipe sink = new();
        var feeding = FeedAsync();
        var reading = TakeAsync();
        await RunAsync(encrypts, source.Reader, sink.Writer, Streamed.Options(degree) with { FrameLength = frameLength });
        await sink.Writer.CompleteAsync();

        await feeding;
        Assert.That((await reading).AsSpan().SequenceEqual(output));
        await source.Reader.CompleteAsync();

        async Task FeedAsync()
        {
            for (var i = 0; i < input.Length; i += 10_000)
            {
                await source.Writer.WriteAsync(input.AsMemory(i, Math.Min(10_000, input.Length - i)));
            }

            await source.Writer.CompleteAsync();
        }

        async Task<byte[]> TakeAsync()
        {
            using MemoryStream taken = new();
            await sink.Reader.CopyToAsync(taken);
            await sink.Reader.CompleteAsync();
            return taken.ToArray();
        }
    }

    /// <summary>All at once, and a few bytes at a time; in Debug the one or the other in turn.</summary>
    private static int[] Arrivals(int turn, int few) =>
        Repetitions.Of(debug: turn % 2 == 0 ? [int.MaxValue] : [few], release: (int[])[int.MaxValue, few]);

    private static Task RunAsync(bool encrypts, PipeReader source, PipeWriter sink, MessageOptions options) =>
        encrypts ? Piped.EncryptAsync(source, sink, options) : Piped.DecryptAsync(source, sink, options);

    private static async Task AssertCarriedAsync(
        int frameLength, int length, int degree, int arrival, bool endsWithLast, int[] pieces)
    {
        var plaintext = StreamSamples.Memory(length);
        ReadOnlyMemory<byte> message = Sample.Message(plaintext, Sample.Template(frameLength: frameLength));
        var options = Streamed.Options(degree) with { FrameLength = frameLength };
        foreach (var encrypts in new[] { true, false })
        {
            var (input, output) = encrypts ? (plaintext, message) : (message, plaintext);
            StrictPipeReader source = new(input, arrival, endsWithLast, pieces);
            StrictPipeWriter sink = new() { Expected = output };

            await RunAsync(encrypts, source, sink, options);

            var what = $"{length} bytes in frames of {frameLength}, degree {degree}, encrypts: {encrypts}";
            Assert.That(sink.IsAsExpected, what);
            Assert.That((source.BytesConsumed, source.IsReading), Is.EqualTo((input.Length, false)), what);
            Assert.That((sink.Flushes[^1], sink.IsRestUntouched), Is.EqualTo(((long)output.Length, true)), what);
        }

        // In memory, in the same pieces.
        using var dataKey = Sample.OpenDataKey();
        var written = new byte[message.Length];
        MessageWriter.Write(
            Sample.Template(frameLength: frameLength), dataKey, Sample.MessageId, Pieces.Of(plaintext, pieces), written, degree);
        Assert.That(written.AsSpan().SequenceEqual(message.Span), "written in memory");
        ArrayBufferWriter<byte> read = new();
        Piped.Decrypt(Pieces.Of(message, pieces), read, options);
        Assert.That(read.WrittenSpan.SequenceEqual(plaintext.Span), "read in memory");
    }

    private static async Task AssertRefusedAsync(byte[] changed, PlainMessage original, int arrival, int degree, string what)
    {
        StrictPipeReader source = new(changed, arrival, true, 4096);
        StrictPipeWriter sink = new();
        RecordedBuffer buffer = new();
        var options = Streamed.Options(degree);

        await Assert.ThatAsync(() => Piped.DecryptAsync(source, sink, options), Throws.TypeOf<ByokDecryptionException>(), what);
        if (arrival == int.MaxValue)
        {
            // In memory nothing arrives, so once is enough.
            var header = changed.AsSpan().StartsWith(original.Header) ? original.ReadHeader : null;
            Assert.That(
                () => Piped.Decrypt(Pieces.Of(changed, 4096), buffer, options, header), Throws.TypeOf<ByokDecryptionException>(), what);
            Assert.That(buffer.Advanced, Is.Empty, what);
            Assert.That(buffer.Room.ContainsAnyExcept((byte)0), Is.False, $"{what}: erased");
        }

        Assert.That(original.Plaintext.AsSpan(0, original.Releasable(changed)).StartsWith(sink.Content), $"{what}: only what is authentic");
        Assert.That(sink.Unused.ContainsAnyExcept((byte)0), Is.False, $"{what}: memory that was not advanced over is erased");
        Assert.That((source.IsReading, source.HasNext), Is.EqualTo((false, true)), $"{what}: the pipe can be read further");
    }
}
