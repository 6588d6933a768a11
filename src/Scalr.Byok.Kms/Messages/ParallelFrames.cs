using System.Security.Cryptography;

namespace Scalr.Byok.Kms.Messages;

/// <summary>Spreads the frames of a large message in memory over the cores there are: no frame depends on another.</summary>
internal static class ParallelFrames
{
    // Below this, waking another thread costs about what it saves.
    private const int WorthIt = 512 * 1024;

    // What a thread takes at a time: long enough that fetching it costs nothing, short enough that all end together.
    private const int PieceLength = 64 * 1024;

    /// <summary>Whether so much plaintext is done sooner by several threads.</summary>
    public static bool Pay(int plaintextLength, int frameCount, int maxDegreeOfParallelism) =>
        maxDegreeOfParallelism > 1 && frameCount > 1 && plaintextLength >= WorthIt;

    /// <summary>Does all frames, each once, and returns when the last is done. The caller's thread takes its part.</summary>
    /// <param name="frameCount">How many there are.</param>
    /// <param name="frameLength">How much plaintext each has, for pieces of a good size.</param>
    /// <param name="maxDegreeOfParallelism">How many threads at most.</param>
    /// <param name="contentKey">For each thread's cipher.</param>
    /// <param name="messageId">For each thread's cipher.</param>
    /// <param name="work">Does the frames from the first to before the second number, counted from 0.</param>
    public static void Run(
        int frameCount,
        int frameLength,
        int maxDegreeOfParallelism,
        ReadOnlySpan<byte> contentKey,
        ReadOnlyMemory<byte> messageId,
        Action<MessageCipher, int, int> work)
    {
        byte[] key = GC.AllocateUninitializedArray<byte>(contentKey.Length, pinned: true);
        try
        {
            contentKey.CopyTo(key);
            int each = Math.Max(1, PieceLength / frameLength);
            Parallel.For(
                0,
                ((frameCount - 1) / each) + 1,
                new ParallelOptions { MaxDegreeOfParallelism = maxDegreeOfParallelism },
                () => new MessageCipher(key, messageId),
                (piece, _, cipher) =>
                {
                    int first = piece * each;
                    work(cipher, first, first + Math.Min(each, frameCount - first));
                    return cipher;
                },
                cipher => cipher.Dispose());
        }
        finally
        {
            CryptographicOperations.ZeroMemory(key);
        }
    }
}
