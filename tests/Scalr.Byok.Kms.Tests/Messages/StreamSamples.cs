using System.Collections.Concurrent;
using CsCheck;
using Scalr.Byok.Kms.Messages;
using Scalr.Byok.Kms.Tests.World;

namespace Scalr.Byok.Kms.Tests.Messages;

/// <summary>Plaintexts long enough to go through several segments, and the ways a stream may hand them out.</summary>
internal static class StreamSamples
{
    /// <summary>How a stream comes: some bytes at a time, now or later.</summary>
    public static readonly Gen<Chunk[]> Chunks = Gen.Select(
        Gen.OneOf(Gen.Int[1, 16], Gen.Int[1, 5000], Gen.Int[1, 200_000], Gen.Const(int.MaxValue)),
        Gen.Bool,
        (length, later) => new Chunk(length, later))
        .Array[1, 12].Where(chunks => chunks.Any(chunk => chunk.Length > 1000));

    /// <summary>Frame lengths from the least to more than a segment holds.</summary>
    public static readonly Gen<int> FrameLengths = Gen.OneOf(
        Gen.Int[16, 100], Gen.Int[101, 5000], Gen.OneOf(4096, 65_536, 524_248, 524_280, 524_288), Gen.Int[5001, 700_000]);

    public static readonly Gen<int> Degrees = Gen.OneOf(Streamed.Degrees);

    private static readonly byte[] Long = NewPlaintext(4 << 20);

    private static readonly ConcurrentDictionary<(PlainWriter Layout, int FrameLength, int Length), PlainMessage> Messages = new();

    /// <summary>A frame length and a length of plaintext, often a whole number of frames or of segments, or next to one.</summary>
    public static readonly Gen<(int FrameLength, int Length)> Sizes = FrameLengths.SelectMany(frameLength =>
    {
        var segment = SegmentContent(frameLength, 2);
        var segmentAlone = SegmentContent(frameLength, 1);
        var near = Gen.Select(
            Gen.OneOf(
                Gen.Int[0, 5].Select(frames => frames * frameLength),
                Gen.Int[0, (2 << 20) / segment].Select(segments => segments * segment),
                Gen.Int[0, (2 << 20) / segmentAlone].Select(segments => segments * segmentAlone)),
            Gen.Int[-2, 2],
            (length, more) => Math.Max(0, length + more));
        return Gen.OneOf(near, near, Gen.Int[0, 2 << 20]).Select(length => (frameLength, Math.Min(length, Long.Length)));
    });

    /// <summary>How much plaintext is in a segment of a long message.</summary>
    public static int SegmentContent(int frameLength, int degree)
    {
        var regular = frameLength + MessageFormat.RegularFrameOverhead;
        return SegmentSizes.For(regular, degree).Later / regular * frameLength;
    }

    /// <summary>How much plaintext is before the end of the first segment, of the last short one, and of the long one after it.</summary>
    public static int[] SegmentEnds(int frameLength, int degree)
    {
        var regular = frameLength + MessageFormat.RegularFrameOverhead;
        var sizes = SegmentSizes.For(regular, degree);
        var frames = 0;
        while (sizes.After(frames) < sizes.Later)
        {
            frames += sizes.First / regular;
        }

        return [sizes.First / regular * frameLength, frames * frameLength, (frames + (sizes.Later / regular)) * frameLength];
    }

    public static byte[] Plaintext(int length) => Long[..length];

    /// <summary>The same without a copy.</summary>
    public static ReadOnlyMemory<byte> Memory(int length) => Long.AsMemory(0, length);

    /// <summary>A long message, made once: many tests read it, and none changes it.</summary>
    public static PlainMessage Message(PlainWriter layout, int frameLength, int length) => Messages.GetOrAdd(
        (layout, frameLength, length), static wanted =>
            (wanted.Layout with { FrameLength = wanted.FrameLength }).Write(Plaintext(wanted.Length)));

    // Of no length that frames have, so that no two frames are alike.
    private static byte[] NewPlaintext(int length)
    {
        var plaintext = new byte[length];
        uint state = 1;
        for (var i = 0; i < plaintext.Length; i++)
        {
            state = unchecked((state * 1_664_525) + 1_013_904_223);
            plaintext[i] = (byte)(state >> 24);
        }

        return plaintext;
    }
}
