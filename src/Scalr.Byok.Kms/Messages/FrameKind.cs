namespace Scalr.Byok.Kms.Messages;

/// <summary>The role of a frame in its body. Part of its associated data, so that no frame can be used as one of another kind.</summary>
internal enum FrameKind
{
    /// <summary>One of several frames, and not the last.</summary>
    Regular,

    /// <summary>The last frame.</summary>
    Final,

    /// <summary>The whole of an unframed body. Read, never written.</summary>
    SingleBlock,
}
