using Scalr.Byok.Kms.DataKeys;
using Scalr.Byok.Kms.Messages;

namespace Scalr.Byok.Kms.KeyRing;

/// <summary>Decides by its header whether a message is to be encrypted again. Makes no call to AWS.</summary>
/// <remarks>
/// The header is not authenticated here. A forged header costs work or a later error: <see cref="Reencryptor"/> authenticates each header
/// before it returns anything.
/// </remarks>
internal sealed class ReencryptionRule
{
    private readonly MessageOptions _options;

    /// <param name="key">The key that encrypts.</param>
    /// <param name="options">The format that the ring writes, and the limits of what it reads.</param>
    public ReencryptionRule(KmsKeyArn key, MessageOptions options)
    {
        KeyArn = key;
        _options = options;
    }

    /// <summary>The key that encrypts.</summary>
    public KmsKeyArn KeyArn { get; }

    /// <summary>Whether a message is to be encrypted again.</summary>
    /// <param name="message">The message, or its start with the whole header.</param>
    /// <param name="policy">The policy.</param>
    /// <exception cref="ByokDecryptionException">There is no header, or it is of an unsupported kind.</exception>
    public bool Applies(ReadOnlyMemory<byte> message, ByokReencryptWhen policy)
    {
        ThrowUnlessDefined(policy);
        return Applies(MessageHeader.Read(message, _options), policy);
    }

    /// <inheritdoc cref="Applies(ReadOnlyMemory{byte}, ByokReencryptWhen)"/>
    public bool Applies(MessageHeader header, ByokReencryptWhen policy) => Applies(
        policy,
        header.EncryptedDataKeys.All(encrypted => IsCurrent(encrypted.TryGetKeyArn(out var arn) ? arn : null)),
        header.Suite.Signs,
        header.Body.FrameLength);

    /// <inheritdoc cref="Applies(ReadOnlyMemory{byte}, ByokReencryptWhen)"/>
    public bool Applies(UnauthenticatedHeader header, ByokReencryptWhen policy)
    {
        ArgumentNullException.ThrowIfNull(header);
        return Applies(policy, header.EncryptedDataKeys.All(encrypted => IsCurrent(encrypted.KeyArn)), header.IsSigned, header.FrameLength);
    }

    private bool Applies(ByokReencryptWhen policy, bool isCurrent, bool isSigned, long frameLength)
    {
        ThrowUnlessDefined(policy);
        return policy == ByokReencryptWhen.Always
            || !isCurrent
            || (policy == ByokReencryptWhen.FormatDiffers && (isSigned || frameLength != _options.FrameLength));
    }

    // A replica has the key material of its primary, so moving a message between them would change nothing for the customer.
    private bool IsCurrent(KmsKeyArn? arn) => arn is { } named && (named == KeyArn || named.IsReplicaOf(KeyArn));

    private static void ThrowUnlessDefined(ByokReencryptWhen policy)
    {
        if (policy is < ByokReencryptWhen.KeyDiffers or > ByokReencryptWhen.Always)
        {
            throw new ArgumentOutOfRangeException(nameof(policy), policy, $"Not a value of {nameof(ByokReencryptWhen)}.");
        }
    }
}
