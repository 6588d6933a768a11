using System.Buffers;
using CsCheck;
using Scalr.Byok.Kms.DataKeys;
using Scalr.Byok.Kms.Messages;
using Scalr.Byok.Kms.Tests.World;

namespace Scalr.Byok.Kms.Tests.Messages;

/// <summary>Large payloads in memory are done by several threads: the same bytes, the same denials.</summary>
[Category("Slow")]
internal sealed class ParallelFramesTests
{
    // Below this it is one thread, whatever may be.
    private const int Threshold = 512 * 1024;

    private static readonly byte[] Plaintext = StreamSamples.Plaintext(1_300_000);

    // Frames of 16 bytes take long, so they come once.
    private static IEnumerable<TestCaseData> Lengths =>
        from length in (int[])[Threshold - 1, Threshold, Threshold + 1, 1_000_000, 1_600_000]
        from frameLength in (int[])[16, 4096, 65_536, 131_072, 200_000, Threshold - 1, Threshold, Threshold + 1]
        where frameLength > 16 || length == Threshold + 1
        select new TestCaseData(length, frameLength);

    [TestCaseSource(nameof(Lengths))]
    public void Write_makes_the_same_bytes_with_any_number_of_threads(int length, int frameLength)
    {
        var plaintext = StreamSamples.Plaintext(length);
        var template = Sample.Template(frameLength: frameLength);
        var message = Sample.Message(plaintext, template);

        Assert.That(Read(message, degree: 1).AsSpan().SequenceEqual(plaintext), "read, degree 1");
        foreach (var degree in new[] { 2, 8 })
        {
            Assert.That(Write(plaintext, template, degree).AsSpan().SequenceEqual(message), $"written, degree {degree}");
            Assert.That(Read(message, degree).AsSpan().SequenceEqual(plaintext), $"read, degree {degree}");
        }
    }

    [Test]
    public void Write_makes_the_same_bytes_whatever_the_size() =>
        Gen.Select(StreamSamples.FrameLengths, Gen.Int[Threshold - 100, 4 << 20], Gen.Int[2, 20]).Sample(
            (frameLength, length, degree) =>
            {
                var plaintext = StreamSamples.Plaintext(length);
                var template = Sample.Template(frameLength: frameLength);
                var message = Sample.Message(plaintext, template);

                Assert.That(Write(plaintext, template, degree).AsSpan().SequenceEqual(message), "written");
                Assert.That(Read(message, degree).AsSpan().SequenceEqual(plaintext), "read");
            },
            iter: Repetitions.Of(30));

    [Test]
    public void Read_refuses_a_message_with_any_frame_changed_and_erases_what_was_read(
        [ValueSource(typeof(PlainWriter), nameof(PlainWriter.Layouts))] PlainWriter writer, [Values(1, 2, 8)] int degree)
    {
        var message = StreamSamples.Message(writer, frameLength: 65_536, Plaintext.Length);
        List<int> offsets = [];
        var start = message.Header.Length;
        foreach (var frame in message.Frames)
        {
            offsets.AddRange([start, start + 24, start + (frame.Length / 2), start + frame.Length - 1]);
            start += frame.Length;
        }

        // Every third is one or two of each frame, and each of the four places in turn.
        byte[] changed = [.. message.Bytes];
        for (var i = 0; i < offsets.Count; i += Repetitions.Of(debug: 3, release: 1))
        {
            changed[offsets[i]] ^= 4;
            AssertRefused(changed, degree, $"byte {offsets[i]}");
            changed[offsets[i]] ^= 4;
        }
    }

    [Test]
    public void Read_refuses_a_large_message_that_is_cut_or_continued_before_it_asks_for_room([Values(1, 2, 8)] int degree)
    {
        var message = Sample.Message(Plaintext, Sample.Template(frameLength: 4096));

        foreach (var changed in (byte[][])[message[..^1], message[..^700_000], [.. message, 0], [.. message, .. message]])
        {
            Assert.That(AssertRefused(changed, degree, $"{changed.Length} bytes").Asked, Is.Empty);
        }
    }

    [Test]
    public void Read_refuses_frames_exchanged_among_threads([Values(1, 2, 8)] int degree)
    {
        var message = (PlainWriter.Framed with { FrameLength = 65_536 }).Write(Plaintext);
        byte[][] frames = [.. message.Frames];
        // under their own numbers
        (frames[2], frames[15]) = ([.. frames[2][..4], .. frames[15][4..]], [.. frames[15][..4], .. frames[2][4..]]);

        AssertRefused(message.With(frames), degree, "the third and the sixteenth exchanged");
    }

    [Test]
    public void Read_refuses_a_wrong_signature_and_erases_what_was_read([Values(1, 2, 8)] int degree)
    {
        var message = (PlainWriter.Signed with { Signer = PlainWriter.OtherSigner, FrameLength = 4096 }).Write(Plaintext);

        var room = AssertRefused(message.Bytes, degree, "a signature by another key");

        Assert.That(room.Asked, Is.EqualTo(new[] { Plaintext.Length }), "all frames were authentic");
    }

    [Test]
    public void WriteTo_and_ReadTo_use_a_callers_buffers([Values(0, 1, 44, 1_300_000)] int length, [Values(1, 8)] int degree)
    {
        var plaintext = StreamSamples.Plaintext(length);
        var template = Sample.Template(frameLength: 4096);
        using var dataKey = Sample.OpenDataKey();
        RecordedBuffer message = new();
        RecordedBuffer decrypted = new();
        ArrayBufferWriter<byte> several = new();

        MessageWriter.WriteTo(message, template, dataKey, new(plaintext), Streamed.Options(degree));
        MessageReader.ReadTo(decrypted, MessageHeader.Read(message.Written, Sample.Options), new(message.Written), dataKey, degree);
        MessageReader.ReadTo(several, MessageHeader.Read(message.Written, Sample.Options), new(message.Written), dataKey, degree);
        MessageReader.ReadTo(several, MessageHeader.Read(message.Written, Sample.Options), new(message.Written), dataKey, degree);

        var messageLength = MessageWriter.MessageLength(template, length);
        Assert.That(message.Advanced, Is.EqualTo(new[] { messageLength }).And.EqualTo(message.Asked), "asked once, advanced once");
        Assert.That(decrypted.Advanced, Is.EqualTo(new[] { length }).And.EqualTo(decrypted.Asked), "asked once, advanced once");
        Assert.That(message.IsRestUntouched && decrypted.IsRestUntouched, "only the room that was asked for is written");
        Assert.That(decrypted.Written.AsSpan().SequenceEqual(plaintext));
        Assert.That(several.WrittenSpan.SequenceEqual((byte[])[.. plaintext, .. plaintext]), "behind what is there");
    }

    [Test]
    public void WriteTo_asks_for_nothing_if_the_message_would_be_too_long()
    {
        RecordedBuffer room = new();
        using var dataKey = Sample.OpenDataKey();
        var length = MessageWriter.MessageLength(Sample.Template(), Sample.Plaintext.Length);
        var exact = Sample.Options with { MaxMessageLength = length };

        Assert.That(
            () => WriteTo(exact with { MaxMessageLength = length - 1 }),
            Throws.ArgumentException.With.Message.Contains("MaxMessageLength"));
        Assert.That(room.Asked, Is.Empty);
        WriteTo(exact);
        Assert.That(room.Advanced, Is.EqualTo(new[] { length }));

        void WriteTo(MessageOptions options) => MessageWriter.WriteTo(room, Sample.Template(), dataKey, new(Sample.Plaintext), options);
    }

    private static byte[] Write(byte[] plaintext, MessageTemplate template, int degree)
    {
        using var dataKey = Sample.OpenDataKey();
        var message = new byte[MessageWriter.MessageLength(template, plaintext.Length)];
        MessageWriter.Write(template, dataKey, Sample.MessageId, new(plaintext), message, degree);
        return message;
    }

    private static byte[] Read(byte[] message, int degree)
    {
        using var dataKey = Sample.OpenDataKey();
        return MessageReader.Read(MessageHeader.Read(message, Sample.Options), new(message), dataKey, degree);
    }

    private static RecordedBuffer AssertRefused(byte[] message, int degree, string what)
    {
        RecordedBuffer room = new();
        using var dataKey = Sample.OpenDataKey();
        var header = MessageHeader.Read(message, Sample.Options);

        Assert.That(
            () => MessageReader.ReadTo(room, header, new(message), dataKey, degree), Throws.TypeOf<ByokDecryptionException>(), what);
        Assert.That(() => Read(message, degree), Throws.TypeOf<ByokDecryptionException>(), what);
        Assert.That(room.Advanced, Is.Empty, what);
        Assert.That(room.Room.ContainsAnyExcept((byte)0), Is.False, $"{what}: erased");
        Assert.That(room.IsRestUntouched, what);
        return room;
    }
}
