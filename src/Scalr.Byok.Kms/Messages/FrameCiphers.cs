namespace Scalr.Byok.Kms.Messages;

/// <summary>The ciphers for the frames of one message: one for the caller's thread, and what makes those of other threads.</summary>
/// <param name="main">For the caller's thread.</param>
/// <param name="contentKey">The content key. Stays the caller's, who erases it.</param>
/// <param name="messageId">The message id.</param>
/// <param name="maxDegreeOfParallelism">The largest number of threads.</param>
internal readonly ref struct FrameCiphers(
    MessageCipher main, ReadOnlySpan<byte> contentKey, ReadOnlyMemory<byte> messageId, int maxDegreeOfParallelism)
{
    public readonly MessageCipher Main = main;

    public readonly ReadOnlySpan<byte> ContentKey = contentKey;

    public readonly ReadOnlyMemory<byte> MessageId = messageId;

    public readonly int MaxDegreeOfParallelism = maxDegreeOfParallelism;
}
