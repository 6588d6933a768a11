namespace Scalr.Byok.Kms;

/// <summary>Which messages <see cref="IByokKeyRing"/> encrypts again. The other messages stay unchanged.</summary>
public enum ByokReencryptWhen
{
    /// <summary>
    /// The default: messages with an encrypted data key that is not under <see cref="IByokKeyRing.KeyArn"/> or a replica of it.
    /// </summary>
    KeyDiffers,

    /// <summary>
    /// Also messages that this ring would write in another format: another algorithm suite, as in signed messages, or another
    /// <see cref="ByokOptions.FrameLength"/>.
    /// </summary>
    FormatDiffers,

    /// <summary>All messages, for example to replace their data keys.</summary>
    Always,
}
