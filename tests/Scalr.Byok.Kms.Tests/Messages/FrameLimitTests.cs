using System.Buffers.Binary;
using Scalr.Byok.Kms.Messages;
using Scalr.Byok.Kms.Tests.World;

namespace Scalr.Byok.Kms.Tests.Messages;

/// <summary>
/// A stream holds no more than one frame of <see cref="ByokOptions.MaxFrameLength"/> unauthenticated; what is in memory is there already.
/// </summary>
[Category("Slow")]
internal sealed class FrameLimitTests
{
    private const int Most = 65_536;

    private static readonly string TooLong = HeaderErrors.FrameTooLong(Most);

    [Test]
    public async Task Decrypt_takes_frames_of_the_longest_length([Values(1, 5)] int degree)
    {
        foreach (var length in new[] { 0, Most - 1, Most, Most + 1, 10 * Most })
        {
            await AssertReadAsync(PlainWriter.Framed with { FrameLength = Most }, length, degree);
        }
    }

    [Test]
    public async Task Decrypt_refuses_longer_frames_in_words_but_reads_them_in_memory(
        [Values(1, 8, 9, 1000, 1_000_000)] int more, [Values(1, 5)] int degree)
    {
        var message = (PlainWriter.Framed with { FrameLength = Most + more }).Write(StreamSamples.Plaintext(3 * (Most + more)));

        await AssertTooLongAsync(message.Bytes, degree);
        Assert.That(Sample.Read(message.Bytes).AsSpan().SequenceEqual(message.Plaintext));
    }

    // Other writers may name a frame length beyond all their plaintexts; only the frames that are there count.
    [Test]
    public async Task Decrypt_takes_a_short_last_frame_whatever_the_header_allows(
        [Values(Most + 1u, uint.MaxValue)] uint claim, [Values(1, 5)] int degree, [Values] bool signs)
    {
        var writer = (signs ? PlainWriter.Signed : PlainWriter.Framed) with { FrameLength = Most + 1, ClaimedFrameLength = claim };

        foreach (var length in new[] { 0, 1, Most - 1, Most })
        {
            await AssertReadAsync(writer, length, degree);
        }

        await AssertTooLongAsync(writer.Write(StreamSamples.Plaintext(Most + 1)).Bytes, degree);
    }

    [Test]
    public async Task Decrypt_takes_one_block_of_the_longest_length_and_reads_longer_ones_in_memory(
        [Values(1, 5)] int degree, [Values] bool signs)
    {
        var writer = (signs ? PlainWriter.Signed : PlainWriter.Framed) with { IsFramed = false };
        var longer = writer.Write(StreamSamples.Plaintext(Most + 1));

        await AssertReadAsync(writer, Most, degree);
        await AssertTooLongAsync(longer.Bytes, degree);
        Assert.That(Sample.Read(longer.Bytes).AsSpan().SequenceEqual(longer.Plaintext));
    }

    [TestCase(true, 0xffff_ffffUL)]
    [TestCase(true, 0x8000_0000UL)]
    [TestCase(true, 0x3fff_ffffUL)]
    [TestCase(false, 0x7fff_ffff_ffff_ffffUL)]
    [TestCase(false, 0xffff_ffff_ffff_ffffUL)]
    [TestCase(false, 0x8000_0000_0000_0000UL)]
    [TestCase(false, 0xf_ffff_ffe0UL)] // the most that the format allows
    [TestCase(false, 0xf_ffff_ffe1UL)]
    [TestCase(false, 0x3fff_ffffUL)]
    public void Decrypt_takes_no_memory_on_the_word_of_a_message(bool isFramed, ulong claim)
    {
        // A header with its right tag, and a head that claims much more than there is.
        var writer = PlainWriter.Framed with
        {
            IsFramed = isFramed,
            FrameLength = 1000,
            ClaimedFrameLength = isFramed ? (long)claim : null,
        };
        var message = writer.Write(Sample.Plaintext).Bytes;
        var lengthAt = message.Length - 16 - Sample.Plaintext.Length - (isFramed ? 4 : 8);
        if (isFramed)
        {
            BinaryPrimitives.WriteUInt32BigEndian(message.AsSpan(lengthAt), (uint)claim);
        }
        else
        {
            BinaryPrimitives.WriteUInt64BigEndian(message.AsSpan(lengthAt), claim);
        }

        var options = Streamed.Options(1) with { MaxFrameLength = 1 << 30, MaxMessageLength = long.MaxValue };
        Read();

        var before = GC.GetAllocatedBytesForCurrentThread();
        var read = Read();
        var allocated = GC.GetAllocatedBytesForCurrentThread() - before;

        Assert.That(read.IsFaulted && read.Exception.InnerException is ByokDecryptionException, Is.True, "on this thread, and refused");
        Assert.That(allocated, Is.LessThan(1 << 20));
        Assert.That(() => Sample.Read(message), Throws.TypeOf<ByokDecryptionException>());

        Task Read() => Streamed.DecryptAsync(new SourceStream(message), new SinkStream(), options);
    }

    private static MessageOptions Options(int degree) => Streamed.Options(degree) with { MaxFrameLength = Most };

    private static async Task AssertReadAsync(PlainWriter writer, int length, int degree)
    {
        var message = writer.Write(StreamSamples.Plaintext(length));
        SinkStream sink = new();

        await Streamed.DecryptAsync(new SourceStream(message.Bytes), sink, Options(degree));

        Assert.That(sink.Content.SequenceEqual(message.Plaintext), $"{length} bytes");
    }

    private static async Task AssertTooLongAsync(byte[] message, int degree)
    {
        SinkStream sink = new();

        await Assert.ThatAsync(
            () => Streamed.DecryptAsync(new SourceStream(message), sink, Options(degree)),
            Throws.TypeOf<ByokDecryptionException>().With.Message.EqualTo(TooLong));

        Assert.That(sink.Content.Length, Is.Zero);
    }
}
