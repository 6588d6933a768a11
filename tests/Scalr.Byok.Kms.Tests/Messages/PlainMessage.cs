using Scalr.Byok.Kms.Messages;

namespace Scalr.Byok.Kms.Tests.Messages;

/// <summary>A message in its parts, so that a test can put them together in another way.</summary>
/// <param name="Header">The header.</param>
/// <param name="Frames">All frames, or the one block.</param>
/// <param name="Footer">The footer; empty if the suite does not sign.</param>
/// <param name="Plaintext">What it decrypts to.</param>
/// <param name="FrameLength">How much plaintext each frame but the last has.</param>
internal sealed record PlainMessage(byte[] Header, byte[][] Frames, byte[] Footer, byte[] Plaintext, int FrameLength)
{
    public byte[] Bytes { get; } = Join([Header, .. Frames, Footer]);

    /// <summary>The header as the library reads it, once: tests of what follows it have no need to read it again.</summary>
    public MessageHeader ReadHeader => field ??= MessageHeader.Read(Bytes, Sample.Options);

    /// <summary>The same header and footer around other frames.</summary>
    public byte[] With(params IEnumerable<byte[]> frames) => Join([Header, .. frames, Footer]);

    /// <summary>
    /// How much plaintext a stream may let go of a changed message: the frames that come whole and unchanged before the first change,
    /// but never the last one, and exactly those.
    /// </summary>
    public int Releasable(ReadOnlySpan<byte> changed)
    {
        var end = Bytes.AsSpan().CommonPrefixLength(changed) - Header.Length;
        var released = 0;
        foreach (var frame in Frames[..^1])
        {
            end -= frame.Length;
            released += end < 0 ? 0 : FrameLength;
        }

        return released;
    }

    /// <summary>All parts in one. Part by part, because a message may have a million bytes.</summary>
    public static byte[] Join(IReadOnlyCollection<byte[]> parts)
    {
        var joined = new byte[parts.Sum(part => part.Length)];
        var length = 0;
        foreach (var part in parts)
        {
            part.CopyTo(joined, length);
            length += part.Length;
        }

        return joined;
    }
}
