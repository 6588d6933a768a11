namespace Scalr.Byok.Kms.Messages;

/// <summary>
/// The sizes of the buffers of a message's segments. With several threads, the first segments are short, so that a message of one or two
/// MiB occupies all threads. Later ones are long, because threads wait for each other at the ends of segments.
/// </summary>
internal readonly record struct SegmentSizes
{
    /// <summary>The most that several frames take: the size of one of the pool's buffers.</summary>
    public const int Long = 512 * 1024;

    // With one thread, nothing overlaps, and shorter segments stay in the processor's cache.
    private const int Alone = 256 * 1024;

    private const int Short = 64 * 1024;

    // Where segments become long.
    private const int ShortUntil = 2 * 1024 * 1024;

    // A final frame has a longer head. Twice: in front of the first frame and of the last one.
    private const int MoreForHeads = 2 * (MessageFormat.FinalFrameOverhead - MessageFormat.RegularFrameOverhead);

    private readonly long _firstFrames;

    private SegmentSizes(long first, long later, long firstFrames) => (First, Later, _firstFrames) = ((int)first, (int)later, firstFrames);

    /// <summary>The size of the first segments.</summary>
    public int First { get; }

    /// <summary>The size of the others.</summary>
    public int Later { get; }

    /// <summary>The sizes for frames of this length: many small frames, or one large frame.</summary>
    public static SegmentSizes For(long regularFrameLength, int maxDegreeOfParallelism)
    {
        var later = Of(maxDegreeOfParallelism == 1 ? Alone : Long, regularFrameLength);
        return maxDegreeOfParallelism == 1
            ? All(later)
            : new(Of(Short, regularFrameLength), later, ShortUntil / regularFrameLength);
    }

    /// <summary>One size for all segments.</summary>
    public static SegmentSizes All(long size) => new(size, size, 0);

    /// <summary>The size of the segment behind so many frames.</summary>
    public int After(long frames) => frames < _firstFrames ? First : Later;

    // As many frames as fit, and at least one: 64 KiB are enough for a frame of 64 KiB of content.
    private static long Of(int target, long regularFrameLength) =>
        (Math.Max(1, (target - MoreForHeads) / regularFrameLength) * regularFrameLength) + MoreForHeads;
}
