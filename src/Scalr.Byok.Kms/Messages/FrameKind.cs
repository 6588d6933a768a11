namespace Scalr.Byok.Kms.Messages;

/// <summary>What a frame is to its body; bound into its associated data, so that none can pass for another.</summary>
internal enum FrameKind
{
    /// <summary>One of several, and not the last.</summary>
    Regular,

    /// <summary>The last.</summary>
    Final,

    /// <summary>The whole of a body that is not framed. Read, never written.</summary>
    SingleBlock,
}
