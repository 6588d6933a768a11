using Scalr.Byok.Kms.DataKeys;

namespace Scalr.Byok.Kms.Messages;

/// <summary>What <see cref="SegmentPipeline"/> has done with each segment. Filling and draining happen one at a time and in order, working in any.</summary>
internal interface ISegmentFlow
{
    /// <summary>Reads frames into the segment; false if they are the last.</summary>
    ValueTask<bool> FillAsync(Segment segment, CancellationToken cancellationToken);

    /// <summary>Encrypts or decrypts the frames where they stand. Runs on any thread, for several segments at once.</summary>
    void Work(Segment segment);

    /// <summary>Writes out what is done. Asks again whether the data key may be used, where that takes long.</summary>
    ValueTask DrainAsync(Segment segment, IStreamUse use, CancellationToken cancellationToken);
}
