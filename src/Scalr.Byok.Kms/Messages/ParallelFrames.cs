using System.Security.Cryptography;

namespace Scalr.Byok.Kms.Messages;

/// <summary>Distributes the frames of a large message in memory over several threads. No frame depends on another.</summary>
internal static class ParallelFrames
{
    // For less plaintext, starting another thread costs about as much as it saves.
    private const int WorthIt = 512 * 1024;

    // The work of a thread at a time: long enough that fetching it costs little, short enough that all threads end at about the same time.
    private const int PieceLength = 64 * 1024;

    /// <summary>Whether several threads are faster for this much plaintext.</summary>
    public static bool Pay(int plaintextLength, int frameCount, int maxDegreeOfParallelism) =>
        maxDegreeOfParallelism > 1 && frameCount > 1 && plaintextLength >= WorthIt;

    /// <summary>Processes each frame once, and returns after the last one. The caller's thread takes part.</summary>
    /// <param name="frameCount">The number of frames.</param>
    /// <param name="frameLength">The plaintext bytes of a frame, to choose the work of a thread.</param>
    /// <param name="maxDegreeOfParallelism">The largest number of threads.</param>
    /// <param name="contentKey">The content key, for each thread's cipher.</param>
    /// <param name="messageId">The message id, for each thread's cipher.</param>
    /// <param name="work">Processes the frames from the first to before the second number, counted from 0.</param>
    public static void Run(
        int frameCount,
        int frameLength,
        int maxDegreeOfParallelism,
        ReadOnlySpan<byte> contentKey,
        ReadOnlyMemory<byte> messageId,
        Action<MessageCipher, int, int> work)
    {
        var key = GC.AllocateUninitializedArray<byte>(contentKey.Length, pinned: true);
        try
        {
            contentKey.CopyTo(key);
            var each = Math.Max(1, PieceLength / frameLength);
            Parallel.For(
                0,
                ((frameCount - 1) / each) + 1,
                new ParallelOptions { MaxDegreeOfParallelism = maxDegreeOfParallelism },
                () => new MessageCipher(key, messageId),
                (piece, _, cipher) =>
                {
                    var first = piece * each;
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
