using Scalr.Byok.Kms.Messages;

namespace Scalr.Byok.Kms;

/// <summary>
/// What a message says of itself. <b>Not authenticated:</b> whoever handed you the message may have written or changed any of it. Only
/// <see cref="IByokKeyRing"/> finds out whether it is true, so decide nothing by it that matters: show it, log it, look for a key by it.
/// </summary>
public sealed class UnauthenticatedHeader
{
    internal UnauthenticatedHeader(MessageHeader header)
    {
        AlgorithmSuiteId = header.Suite.Id;
        AlgorithmSuite = header.Suite.Name;
        IsSigned = header.Suite.Signs;
        MessageId = header.MessageId.ToArray();
        EncryptionContext = header.EncryptionContext.Pairs;
        EncryptedDataKeyCount = header.EncryptedDataKeys.Count;
        EncryptedDataKeys = [.. header.EncryptedDataKeys.Select(key => new ByokEncryptedDataKey(key))];
        KeyArns = [.. EncryptedDataKeys.Select(key => key.KeyArn).OfType<KmsKeyArn>()];
        IsFramed = header.Body.ContentType == ContentType.Framed;
        FrameLength = header.Body.FrameLength;
        HeaderLength = header.Length;
    }

    /// <summary>The algorithm suite's number in the message format: 0x0478, which this library writes, or 0x0578, which signs.</summary>
    public int AlgorithmSuiteId { get; }

    /// <summary>The algorithm suite's name in AWS's SDKs, such as <c>ALG_AES_256_GCM_HKDF_SHA512_COMMIT_KEY</c>.</summary>
    public string AlgorithmSuite { get; }

    /// <summary>Whether a signature follows the body. Such a message cannot be rewrapped.</summary>
    public bool IsSigned { get; }

    /// <summary>The 32 bytes that tell this message from all others.</summary>
    public ReadOnlyMemory<byte> MessageId { get; }

    /// <summary>The pairs that the message claims to be bound to. A signed message has its public key among them.</summary>
    public IReadOnlyDictionary<string, string> EncryptionContext { get; }

    /// <summary>How many times the data key is wrapped, by AWS KMS or by anything else.</summary>
    public int EncryptedDataKeyCount { get; }

    /// <summary>The encrypted data keys, in the order of the message: the same data key, encrypted by AWS KMS or by other key providers.</summary>
    public IReadOnlyList<ByokEncryptedDataKey> EncryptedDataKeys { get; }

    /// <summary>
    /// The AWS KMS keys that the data key claims to be wrapped under, in the order of the message. Other key providers are left out, and so
    /// is what is no ARN of a key; <see cref="EncryptedDataKeyCount"/> counts them all.
    /// </summary>
    public IReadOnlyList<KmsKeyArn> KeyArns { get; }

    /// <summary>Whether the body is made of frames, as all that this library writes, or of one block.</summary>
    public bool IsFramed { get; }

    /// <summary>How many bytes of plaintext each frame but the last has; 0 if the body is not framed.</summary>
    public long FrameLength { get; }

    /// <summary>The length of the header in bytes: where the body begins.</summary>
    public int HeaderLength { get; }
}
