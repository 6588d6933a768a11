namespace Scalr.Byok.Kms.Messages;

/// <summary>The layout of a body, as the header claims it.</summary>
/// <param name="ContentType">Framed, or one block.</param>
/// <param name="FrameLength">
/// The plaintext bytes of each frame except the last, possibly more than fit into memory; 0 for one block.
/// </param>
internal readonly record struct BodyFormat(ContentType ContentType, uint FrameLength)
{
    /// <summary>The length of a frame that is not the last.</summary>
    public long RegularFrameLength => (long)FrameLength + MessageFormat.RegularFrameOverhead;
}
