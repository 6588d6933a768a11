using CsCheck;
using Scalr.Byok.Kms.Messages;
using Scalr.Byok.Kms.Tests.World;

namespace Scalr.Byok.Kms.Tests.Messages;

/// <summary>
/// A message that is read from a stream: all of the plaintext, or what was authentic before it went wrong and an exception.
/// </summary>
[Category("Slow")]
internal sealed class MessageStreamReaderTests
{
    [Test]
    public Task Run_gives_the_same_plaintext_however_the_message_comes() =>
        Gen.Select(StreamSamples.Sizes, StreamSamples.Chunks, StreamSamples.Degrees, Gen.Bool).SampleAsync(
            async (sizes, chunks, degree, later) =>
            {
                var plaintext = StreamSamples.Memory(sizes.Length);
                var message = Sample.Message(plaintext, Sample.Template(frameLength: sizes.FrameLength));

                await AssertReadAsync(message, plaintext, degree, chunks, later);
            },
            iter: Repetitions.Of(100));

    [Test]
    public async Task Run_gives_the_same_plaintext_around_whole_frames_and_whole_segments(
        [Values(16, 999, 4096, 65_536, 262_096, 524_240, 524_249, 600_000)] int frameLength, [Values(1, 2, 5)] int degree)
    {
        var ends = StreamSamples.SegmentEnds(frameLength, degree);
        int[] places = [0, frameLength, ends[0] - frameLength, ends[0] + frameLength, 2 * ends[0], .. ends];
        foreach (var whole in places.Distinct().Where(place => place / frameLength < 10_000)) // many frames take long
        {
            foreach (var length in new[] { whole - 1, whole, whole + 1 }.Where(length => length >= 0))
            {
                var plaintext = StreamSamples.Memory(length);
                await AssertReadAsync(
                    Sample.Message(plaintext, Sample.Template(frameLength: frameLength)), plaintext, degree, [], later: false);
            }
        }
    }

    [Test]
    public async Task Run_takes_a_message_byte_by_byte(
        [ValueSource(typeof(PlainWriter), nameof(PlainWriter.Layouts))] PlainWriter writer,
        [Values(1, 2, 5)] int degree,
        [Values] bool later)
    {
        var plaintext = StreamSamples.Plaintext(5000);

        await AssertReadAsync(writer.Write(plaintext).Bytes, plaintext, degree, [new Chunk(1, later)], later);
    }

    [Test]
    public async Task Run_takes_long_messages_of_every_layout(
        [ValueSource(typeof(PlainWriter), nameof(PlainWriter.Layouts))] PlainWriter writer, [Values(1, 2, 5)] int degree)
    {
        foreach (var length in new[] { 400_000, 524_288 - 8, 1_000_000 })
        {
            var message = StreamSamples.Message(writer, frameLength: 4096, length);
            await AssertReadAsync(message.Bytes, message.Plaintext, degree, [], later: true);
        }
    }

    [Test]
    public Task Run_lets_go_of_whole_frames_before_the_damage_and_of_nothing_else() =>
        Gen.Select(
            Gen.OneOf(16, 1000, 4096, 300_000),
            Gen.OneOf(PlainWriter.Framed, PlainWriter.Signed),
            Gen.Int[0, 1_500_000],
            StreamSamples.Degrees,
            Gen.Int[0, 3],
            Gen.Double[0, 1]).SampleAsync(
                async (frameLength, writer, length, degree, damage, place) =>
                {
                    length = (int)Math.Min(length, 20_000L * frameLength);
                    var message = (writer with { FrameLength = frameLength }).Write(StreamSamples.Plaintext(length));
                    var offset = (int)(place * (message.Bytes.Length - 1));
                    var changed = damage switch
                    {
                        0 => message.Bytes[..offset],
                        1 => [.. message.Bytes, .. message.Bytes[..(offset + 1)]],
                        2 => [.. message.Bytes[..offset], (byte)(message.Bytes[offset] ^ 0x10), .. message.Bytes[(offset + 1)..]],
                        _ => Exchanged(message, (int)(place * (message.Frames.Length - 2))),
                    };

                    await AssertRefusedAsync(changed, message, degree);
                },
                iter: Repetitions.Of(60),
                threads: 1);

    [Test]
    public async Task Run_holds_the_last_frame_back_until_the_source_ends(
        [ValueSource(typeof(PlainWriter), nameof(PlainWriter.Layouts))] PlainWriter writer, [Values(1, 2, 5)] int degree)
    {
        var message = StreamSamples.Message(writer, frameLength: 100_000, 1_000_000);
        SourceStream source = new(message.Bytes);
        SinkStream sink = new();
        Hold end = new();
        source.At(message.Bytes.Length, end.ObeyAsync);

        var run = Streamed.DecryptAsync(source, sink, Streamed.Options(degree));
        await end.Reached;

        Assert.That(source.BytesRead, Is.EqualTo(message.Bytes.Length), "all of it is there, but who knows whether more comes");
        Assert.That(run.IsCompleted, Is.False);
        Assert.That(sink.BytesWritten, Is.LessThanOrEqualTo(writer.IsFramed ? 900_000 : 0));
        end.Release();
        await run;
        Assert.That(sink.Content.SequenceEqual(message.Plaintext));
    }

    [Test]
    public async Task Run_refuses_what_is_forged_though_the_source_would_wait_for_more([Values(1, 2, 5)] int degree)
    {
        var message = (PlainWriter.Framed with { FrameLength = 4096 }).Write(StreamSamples.Plaintext(3_000_000));
        byte[] forged = [.. message.Bytes];
        forged[10_000] ^= 1;
        SourceStream source = new(forged, Chunk.AllLater);
        source.At(2_500_000, new Hold().ObeyAsync);
        SinkStream sink = new();

        await Assert.ThatAsync(
            () => Streamed.DecryptAsync(source, sink, Streamed.Options(degree)), Throws.TypeOf<ByokDecryptionException>());

        Assert.That(sink.Content.SequenceEqual(message.Plaintext.AsSpan(0, 2 * 4096)));
        Assert.That((source.UnderWay, sink.UnderWay), Is.EqualTo((0, 0)));
    }

    private static async Task AssertReadAsync(byte[] message, ReadOnlyMemory<byte> plaintext, int degree, Chunk[] chunks, bool later)
    {
        SourceStream source = new(message, chunks);
        SinkStream sink = new(later) { Expected = plaintext };

        await Streamed.DecryptAsync(source, sink, Streamed.Options(degree));

        Assert.That(sink.IsAsExpected, $"{plaintext.Length} bytes, degree {degree}");
        Assert.That((source.BytesRead, source.Overlaps, sink.Overlaps, sink.UnderWay), Is.EqualTo((message.Length, 0, 0, 0)));
        Assert.That(sink.Flushes, Is.EqualTo(new[] { plaintext.Length }), "flushed once, at the end");
        Assert.That((source.IsClosed, sink.IsClosed), Is.EqualTo((false, false)), "left open");
    }

    private static async Task AssertRefusedAsync(byte[] changed, PlainMessage original, int degree)
    {
        SourceStream source = new(changed, Chunk.AllLater);
        SinkStream sink = new();

        await Assert.ThatAsync(
            () => Streamed.DecryptAsync(source, sink, Streamed.Options(degree)), Throws.TypeOf<ByokDecryptionException>());

        Assert.That(sink.Content.Length, Is.EqualTo(original.Releasable(changed)));
        Assert.That(
            sink.Content.SequenceEqual(original.Plaintext.AsSpan(0, sink.Content.Length)), "what came out is how the plaintext begins");
        Assert.That(sink.Flushes, Is.Empty, "an end that was not reached");
        Assert.That((source.UnderWay, source.Overlaps, sink.UnderWay, sink.Overlaps), Is.EqualTo((0, 0, 0, 0)));
    }

    // With too few frames, one is repeated instead.
    private static byte[] Exchanged(PlainMessage message, int first)
    {
        byte[][] frames = [.. message.Frames];
        if (frames.Length == 1)
        {
            return message.With(frames[0], frames[0]);
        }

        (frames[first], frames[first + 1]) = (frames[first + 1], frames[first]);
        return message.With(frames);
    }
}
