using Scalr.Byok.Kms.DataKeys;

namespace Scalr.Byok.Kms.Messages;

/// <summary>
/// The work of <see cref="SegmentPipeline"/> on each segment. Segments are filled and drained one at a time and in order.
/// </summary>
internal interface ISegmentFlow
{
    /// <summary>Reads frames into the segment; false if they are the last.</summary>
    ValueTask<bool> FillAsync(Segment segment, CancellationToken cancellationToken);

    /// <summary>Encrypts or decrypts the frames in place. Runs on any thread, for several segments at the same time.</summary>
    void Work(Segment segment);

    /// <summary>Writes the result. Asks again whether the data key may be used if the writing takes long.</summary>
    ValueTask DrainAsync(Segment segment, IStreamUse use, CancellationToken cancellationToken);
}
