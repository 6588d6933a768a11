namespace Scalr.Byok.Kms.Messages;

/// <summary>
/// The bytes of a message: AWS Encryption SDK message format, version 2. Numbers are unsigned and big-endian. This library writes suite
/// 0478, framed. It also reads suite 0578, with its footer, and one block instead of frames.
/// </summary>
/// <remarks>
/// <code>
/// header   1   version                        02
///          2   algorithm suite                0478; 0578 signs
///         32   message id                     random
///        2+n   encryption context             length of what follows; count; for each pair: length, key, length, value
///        2+n   encrypted data keys            count; for each: length, provider id, length, provider info, length, ciphertext
///          1   content type                   02, framed; 01, one block
///          4   frame length                   at least 1; 0 for one block
///         32   commitment
///         16   tag                            of everything above, under IV 0
///
/// frame    4   sequence number                1, 2, 3 ...
///         12   IV                             written as 8 zero bytes, sequence number
///          n   content                        as many bytes as the frame length says
///         16   tag
///
/// last     4   final frame marker             ffffffff
///          4   sequence number                the next one
///         12   IV
///          4   content length                 0 to frame length
///          n   content
///         16   tag
///
/// block   12   IV                             instead of frames
///          8   content length
///          n   content
///         16   tag
///
/// footer   2   length                         only if the suite signs
///          n   signature of all of the above  ECDSA P-384 with SHA-384, DER
/// </code>
/// </remarks>
internal static class MessageFormat
{
    public const byte Version1 = 0x01;
    public const byte Version2 = 0x02;

    /// <summary>The second byte of a version 1 message. Version 2 has no such byte.</summary>
    public const byte Version1Type = 0x80;

    public const int MessageIdLength = 32;
    public const int CommitmentLength = 32;
    public const int IVLength = 12;
    public const int TagLength = 16;

    /// <summary>The length of version and algorithm suite, and the offset of the message id.</summary>
    public const int MessageIdOffset = 3;

    /// <summary>The length of content type and frame length.</summary>
    public const int ContentFieldsLength = 5;

    public const uint FinalFrameMarker = uint.MaxValue;

    /// <summary>The offset of the content in a regular frame.</summary>
    public const int RegularContentOffset = 4 + IVLength;

    /// <summary>The length of a regular frame without its content.</summary>
    public const int RegularFrameOverhead = 4 + IVLength + TagLength;

    /// <summary>The length of the final frame without its content.</summary>
    public const int FinalFrameOverhead = 4 + 4 + IVLength + 4 + TagLength;

    /// <summary>The length of a non-framed body without its content.</summary>
    public const int SingleBlockOverhead = IVLength + 8 + TagLength;
}

/// <summary>The layout of the body. The values are those of the header field.</summary>
internal enum ContentType : byte
{
    NonFramed = 1,
    Framed = 2,
}
