using System.Collections.ObjectModel;
using Scalr.Byok.Kms.Messages;

namespace Scalr.Byok.Kms;

/// <summary>
/// The header of a message. <b>Not authenticated:</b> the sender of the message may have written or changed any of it. Only
/// <see cref="IByokKeyRing"/> verifies it, so make no decision by it: use it to show, to log, or to find a key.
/// </summary>
public sealed class UnauthenticatedHeader
{
    internal UnauthenticatedHeader(MessageHeader header)
    {
        AlgorithmSuiteId = header.Suite.Id;
        AlgorithmSuite = header.Suite.Name;
        IsSigned = header.Suite.Signs;
        MessageId = header.MessageId.ToArray();
        EncryptionContext = new ReadOnlyDictionary<string, string>(new Dictionary<string, string>(header.EncryptionContext.Pairs));
        EncryptedDataKeyCount = header.EncryptedDataKeys.Count;
        EncryptedDataKeys = [.. header.EncryptedDataKeys.Select(key => new ByokEncryptedDataKey(key))];
        KeyArns = [.. EncryptedDataKeys.Select(key => key.KeyArn).OfType<KmsKeyArn>()];
        IsFramed = header.Body.ContentType == ContentType.Framed;
        FrameLength = header.Body.FrameLength;
        HeaderLength = header.Length;
    }

    /// <summary>The number of the algorithm suite: 0x0478, which this library writes, or 0x0578, which signs.</summary>
    public int AlgorithmSuiteId { get; }

    /// <summary>The name of the algorithm suite in AWS's SDKs, such as <c>ALG_AES_256_GCM_HKDF_SHA512_COMMIT_KEY</c>.</summary>
    public string AlgorithmSuite { get; }

    /// <summary>Whether a signature follows the body.</summary>
    public bool IsSigned { get; }

    /// <summary>The id of the message: 32 random bytes.</summary>
    public ReadOnlyMemory<byte> MessageId { get; }

    /// <summary>The pairs that the message claims to be bound to. Those of a signed message include its public key.</summary>
    public IReadOnlyDictionary<string, string> EncryptionContext { get; }

    /// <summary>The number of encrypted data keys, of AWS KMS and of other key providers.</summary>
    public int EncryptedDataKeyCount { get; }

    /// <summary>
    /// The encrypted data keys, in the order of the message: the same data key, encrypted by AWS KMS or by other key providers.
    /// </summary>
    public IReadOnlyList<ByokEncryptedDataKey> EncryptedDataKeys { get; }

    /// <summary>
    /// The KMS keys of the encrypted data keys, as the message claims, in its order. Without other key providers and malformed ARNs;
    /// <see cref="EncryptedDataKeyCount"/> counts them all.
    /// </summary>
    public IReadOnlyList<KmsKeyArn> KeyArns { get; }

    /// <summary>Whether the body consists of frames, as in all messages of this library, or of one block.</summary>
    public bool IsFramed { get; }

    /// <summary>The plaintext bytes of each frame except the last; 0 if the body is not framed.</summary>
    public long FrameLength { get; }

    /// <summary>The length of the header in bytes, and the offset of the body.</summary>
    public int HeaderLength { get; }
}
