using CsCheck;
using Scalr.Byok.Kms.DataKeys;
using Scalr.Byok.Kms.Messages;
using Scalr.Byok.Kms.Tests.World;

namespace Scalr.Byok.Kms.Tests.Messages;

/// <summary>A message made from a stream is, byte for byte, the one made in memory.</summary>
[Category("Slow")]
internal sealed class MessageStreamWriterTests
{
    private static readonly Gen<Dictionary<string, string>> Pairs =
        Gen.Dictionary(Gen.String[Gen.Char['a', 'z'], 1, 8], Gen.String[Gen.Char[' ', '\ud7ff'], 0, 20])[0, 5];

    [Test]
    public Task Run_writes_the_same_bytes_as_in_memory_however_the_plaintext_comes() =>
        Gen.Select(StreamSamples.Sizes, StreamSamples.Chunks, StreamSamples.Degrees, Gen.Bool).SampleAsync(
            (sizes, chunks, degree, later) => AssertSameAsync(sizes.FrameLength, sizes.Length, degree, chunks, later),
            iter: Repetitions.Of(100));

    [Test]
    public async Task Run_writes_the_same_bytes_around_whole_frames_and_whole_segments(
        [Values(16, 999, 4096, 65_536, 262_096, 524_240, 524_249, 600_000)] int frameLength, [Values(1, 2, 5)] int degree)
    {
        var ends = StreamSamples.SegmentEnds(frameLength, degree);
        int[] places = [0, frameLength, ends[0] - frameLength, ends[0] + frameLength, 2 * ends[0], .. ends];
        foreach (var whole in places.Distinct().Where(place => place / frameLength < 10_000)) // many frames take long
        {
            foreach (var length in new[] { whole - 1, whole, whole + 1 }.Where(length => length >= 0))
            {
                await AssertSameAsync(frameLength, length, degree, [], later: false);
            }
        }
    }

    [Test]
    public async Task Run_takes_a_plaintext_byte_by_byte([Values(1, 2, 5)] int degree, [Values] bool later)
    {
        await AssertSameAsync(16, 1000, degree, [new Chunk(1, later)], later);
        await AssertSameAsync(999, 20_000, degree, [new Chunk(1, later)], later);
    }

    [Test]
    public async Task Run_writes_what_a_second_writer_writes([Values(1, 2, 5)] int degree)
    {
        var template = Sample.Template(new Dictionary<string, string> { ["purpose"] = "example" });
        SinkStream message = new();

        await Streamed.EncryptAsync(new SourceStream(Sample.Plaintext), message, Streamed.Options(degree), template);

        Assert.That(message.Content.ToArray(), Is.EqualTo(PlainWriter.Framed.Write(Sample.Plaintext).Bytes));
    }

    [Test]
    public Task Run_makes_the_message_again_from_what_was_read_of_it() =>
        Gen.Select(StreamSamples.Sizes, StreamSamples.Degrees, Gen.Int[1, 5], Pairs).SampleAsync(
            async (sizes, degree, keys, pairs) =>
            {
                var message = Sample.Message(StreamSamples.Plaintext(sizes.Length), Sample.Template(pairs, sizes.FrameLength, keys));
                var header = MessageHeader.Read(message, Sample.Options);
                var plaintext = Sample.Read(message);
                MessageTemplate template = new(header.EncryptionContext, [.. header.EncryptedDataKeys], (int)header.Body.FrameLength);
                using var dataKey = Sample.OpenDataKey();

                var inMemory = new byte[MessageWriter.MessageLength(template, plaintext.Length)];
                MessageWriter.Write(template, dataKey, header.MessageId.Span, new(plaintext), inMemory);
                SinkStream streamed = new();
                using var writer = MessageStreamWriter.Begin(
                    template, dataKey, header.MessageId.ToArray(), Streamed.Options(degree));
                await writer.RunAsync(new SourceStream(plaintext), streamed, FreeUse.Instance, default);

                Assert.That(inMemory.AsSpan().SequenceEqual(message), "in memory");
                Assert.That(streamed.Content.SequenceEqual(message), "by stream");
            },
            iter: Repetitions.Of(50));

    [Test]
    public void Begin_refuses_an_erased_data_key()
    {
        var dataKey = Sample.OpenDataKey();
        dataKey.Dispose();
        var header = MessageHeader.Read(Sample.Message(), Sample.Options);
        MessageInput input = new(Stream.Null, Sample.Options);

        Assert.That(Write, Throws.InstanceOf<ObjectDisposedException>());
        Assert.That(Read, Throws.InstanceOf<ObjectDisposedException>());

        void Write() => MessageStreamWriter.Begin(Sample.Template(), dataKey, Sample.MessageId, Sample.Options);
        void Read() => MessageStreamReader.Begin(input, header, dataKey, Sample.Options);
    }

    private static async Task AssertSameAsync(int frameLength, int length, int degree, Chunk[] chunks, bool later)
    {
        var plaintext = StreamSamples.Memory(length);
        var template = Sample.Template(frameLength: frameLength);
        var message = Sample.Message(plaintext, template);
        SourceStream source = new(plaintext, chunks);
        SinkStream sink = new(later) { Expected = message };

        await Streamed.EncryptAsync(source, sink, Streamed.Options(degree), template);

        Assert.That(sink.IsAsExpected, $"{length} bytes in frames of {frameLength}, degree {degree}");
        Assert.That((source.BytesRead, source.Overlaps, sink.Overlaps, sink.UnderWay), Is.EqualTo((length, 0, 0, 0)));
        Assert.That(sink.Flushes, Is.EqualTo(new[] { message.Length }), "flushed once, at the end");
        Assert.That((source.IsClosed, sink.IsClosed), Is.EqualTo((false, false)), "left open");
    }
}
