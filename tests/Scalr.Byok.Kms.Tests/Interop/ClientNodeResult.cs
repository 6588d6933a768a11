namespace Scalr.Byok.Kms.Tests.Interop;

/// <summary>What JavaScript made, and the header as JavaScript saw it.</summary>
/// <param name="EncryptionContext">All pairs, those of the SDK's own included.</param>
/// <param name="KeyArns">The keys that wrapped the data key, in the message's order.</param>
/// <param name="FrameLength">In bytes.</param>
internal sealed record ClientNodeResult(
    Suite SuiteId, IReadOnlyDictionary<string, string> EncryptionContext, IReadOnlyList<string> KeyArns, int FrameLength)
{
    /// <summary>The message, or the plaintext.</summary>
    public byte[] Bytes { get; init; } = [];
}
