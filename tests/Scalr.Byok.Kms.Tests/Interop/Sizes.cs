namespace Scalr.Byok.Kms.Tests.Interop;

/// <summary>Plaintext lengths around what a frame holds, and one of many frames.</summary>
internal static class Sizes
{
    /// <summary>More than the library processes in short segments, which are its first 2 MiB.</summary>
    public const int Large = 3_000_000;

    /// <summary>The library's default, and JavaScript's.</summary>
    private static readonly int[] FrameLengths = [65_536, 4096];

    public static IEnumerable<(int Length, int FrameLength)> All =>
        from frame in FrameLengths
        from length in (int[])[0, 1, frame - 1, frame, frame + 1, 2 * frame, Large]
        select (length, frame);

    /// <summary>Bytes that are the same in each run.</summary>
    public static byte[] Plaintext(int length)
    {
        var bytes = new byte[length];
        new Random(length).NextBytes(bytes);
        return bytes;
    }
}
