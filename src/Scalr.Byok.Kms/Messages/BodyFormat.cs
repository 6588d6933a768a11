namespace Scalr.Byok.Kms.Messages;

/// <summary>How a header says that its body is laid out.</summary>
/// <param name="ContentType">Framed, or one block.</param>
/// <param name="FrameLength">How much plaintext each frame but the last holds, perhaps more than fits into memory; 0 for one block.</param>
internal readonly record struct BodyFormat(ContentType ContentType, uint FrameLength)
{
    /// <summary>The length of a frame that is not the last.</summary>
    public long RegularFrameLength => (long)FrameLength + MessageFormat.RegularFrameOverhead;
}
