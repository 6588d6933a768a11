using Scalr.Byok.Kms.Messages;
using Scalr.Byok.Kms.Tests.World;

namespace Scalr.Byok.Kms.Tests.Messages;

/// <summary>How much of a stream goes to one thread at a time.</summary>
internal sealed class SegmentSizesTests
{
    private const int Frame = 64 * 1024;
    private const int Mebibyte = 1 << 20;

    private static readonly byte[] Plaintext = StreamSamples.Plaintext(2 * Mebibyte);

    [Test]
    public async Task A_message_of_a_mebibyte_has_work_for_all_threads([Values(2, 8)] int threads)
    {
        RecordingStream message = new(), plaintext = new();
        var options = Streamed.Options(threads) with { FrameLength = Frame };

        await Streamed.EncryptAsync(new MemoryStream(Plaintext[..Mebibyte]), message, options);
        await Streamed.DecryptAsync(new MemoryStream(message.ToArray()), plaintext, options);

        Assert.That(message.Writes.Skip(1).ToList(), Has.Count.EqualTo(16).And.All.LessThan(Frame + 100), "a segment for each frame");
        Assert.That(plaintext.ToArray(), Is.EqualTo(Plaintext[..Mebibyte]));
    }

    [Test]
    public async Task Alone_a_thread_takes_several_frames_at_a_time()
    {
        RecordingStream message = new();

        await Streamed.EncryptAsync(new MemoryStream(Plaintext[..Mebibyte]), message, Streamed.Options(1) with { FrameLength = Frame });

        Assert.That(message.Writes.Skip(1).ToList(), Has.Count.EqualTo(6));
    }

    [TestCase(1, 36)]
    [TestCase(100, 36)]
    [TestCase(4096, 36)]
    [TestCase(65_536, 36)]
    [TestCase(1_000_000, 3)]
    [TestCase(100_000_000, 1)]
    public void Sizes_hold_a_frame_and_grow_once(int frameLength, int most)
    {
        var frame = frameLength + MessageFormat.RegularFrameOverhead;
        var sizes = SegmentSizes.For(frame, maxDegreeOfParallelism: 2);

        Assert.Multiple(() =>
        {
            Assert.That(sizes.After(0), Is.EqualTo(sizes.First));
            Assert.That(sizes.First, Is.GreaterThanOrEqualTo(frameLength + MessageFormat.FinalFrameOverhead));
            Assert.That(sizes.Later, Is.GreaterThanOrEqualTo(sizes.First));
            Assert.That(sizes.After(2 * Mebibyte), Is.EqualTo(sizes.Later));
            Assert.That(
                Enumerable.Range(0, 100).Count(segment => sizes.After(segment * (sizes.First / frame)) < sizes.Later),
                Is.LessThanOrEqualTo(most));
        });
    }

    /// <summary>Remembers the lengths of what is written to it.</summary>
    private sealed class RecordingStream : MemoryStream
    {
        public List<int> Writes { get; } = [];

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            Writes.Add(buffer.Length);
            return base.WriteAsync(buffer, cancellationToken);
        }
    }
}
