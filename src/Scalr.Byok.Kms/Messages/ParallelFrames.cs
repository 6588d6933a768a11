using System.Buffers;
using System.Security.Cryptography;

namespace Scalr.Byok.Kms.Messages;

/// <summary>Distributes frames that are in memory over several threads. No frame depends on another.</summary>
internal static class ParallelFrames
{
    // For less plaintext, starting another thread costs about as much as it saves.
    private const int WorthIt = 512 * 1024;

    // The work of a thread at a time: long enough that fetching it costs little, short enough that all threads end at about the same time.
    private const int PieceLength = 64 * 1024;

    /// <summary>Whether several threads are faster for this much plaintext.</summary>
    public static bool Pay(long plaintextLength, int frameCount, int maxDegreeOfParallelism) =>
        maxDegreeOfParallelism > 1 && frameCount > 1 && plaintextLength >= WorthIt;

    /// <summary>Processes each frame once, and returns after the last one. The caller's thread takes part.</summary>
    /// <param name="input">The frames, or their plaintext.</param>
    /// <param name="inputLength">The bytes of a frame in the input, except for the last frame.</param>
    /// <param name="frameCount">The number of frames.</param>
    /// <param name="frameLength">The plaintext bytes of a frame, to choose the work of a thread.</param>
    /// <param name="ciphers">The content key, for each thread's cipher.</param>
    /// <param name="work">
    /// Processes the frames from the first to before the second number, counted from 0. Its last argument is the input from the first one
    /// on.
    /// </param>
    public static void Run(
        ReadOnlySequence<byte> input,
        long inputLength,
        int frameCount,
        int frameLength,
        FrameCiphers ciphers,
        Action<MessageCipher, int, int, ReadOnlySequence<byte>> work)
    {
        var key = GC.AllocateUninitializedArray<byte>(ciphers.ContentKey.Length, pinned: true);
        var messageId = ciphers.MessageId;
        try
        {
            ciphers.ContentKey.CopyTo(key);
            var each = Math.Max(1, PieceLength / frameLength);
            var pieces = ((frameCount - 1) / each) + 1;
            var starts = Starts(input, each * inputLength, pieces);
            Parallel.For(
                0,
                pieces,
                new ParallelOptions { MaxDegreeOfParallelism = ciphers.MaxDegreeOfParallelism },
                () => new MessageCipher(key, messageId),
                (piece, _, cipher) =>
                {
                    var first = piece * each;
                    var end = first + Math.Min(each, frameCount - first);
                    var isLast = end == frameCount;
                    work(cipher, first, end, isLast ? input.Slice(starts[piece]) : input.Slice(starts[piece], starts[piece + 1]));
                    return cipher;
                },
                cipher => cipher.Dispose());
        }
        finally
        {
            CryptographicOperations.ZeroMemory(key);
        }
    }

    // Found in one pass: the way to a place in a sequence of many parts is long.
    private static SequencePosition[] Starts(ReadOnlySequence<byte> input, long pieceLength, int pieces)
    {
        var starts = new SequencePosition[pieces];
        starts[0] = input.Start;
        for (var i = 1; i < pieces; i++)
        {
            starts[i] = input.GetPosition(pieceLength, starts[i - 1]);
        }

        return starts;
    }
}
