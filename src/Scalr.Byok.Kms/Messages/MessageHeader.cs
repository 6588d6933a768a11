using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Text;
using System.Text.Unicode;
using Scalr.Byok.Kms.DataKeys;

namespace Scalr.Byok.Kms.Messages;

/// <summary>
/// A header taken apart, as <see cref="MessageFormat"/> lays it out. Nothing in it is authenticated yet: it says which data key to
/// ask for, and only <see cref="MessageReader"/> finds out whether it tells the truth. Refers to the message, which must not change.
/// </summary>
internal sealed class MessageHeader
{
    private ReadOnlyMemory<byte> _contextField;

    private MessageHeader()
    {
    }

    public AlgorithmSuite Suite { get; private set; } = AlgorithmSuite.Committing;

    public ReadOnlyMemory<byte> MessageId { get; private set; }

    public EncryptionContext EncryptionContext { get; private set; } = EncryptionContext.Empty;

    /// <summary>At least one, in the order of the message.</summary>
    public IReadOnlyList<EncryptedDataKey> EncryptedDataKeys { get; private set; } = [];

    public BodyFormat Body { get; private set; }

    /// <summary>The key that the signature in the footer is checked with; null if the suite does not sign.</summary>
    public SignatureKey? SignatureKey { get; private set; }

    public ReadOnlyMemory<byte> Commitment { get; private set; }

    /// <summary>The bytes as received that <see cref="Tag"/> authenticates: all of the header before it.</summary>
    public ReadOnlyMemory<byte> Authenticated { get; private set; }

    public ReadOnlyMemory<byte> Tag { get; private set; }

    /// <summary>The encryption context and the encrypted data keys as received: what all messages of one data key have in common.</summary>
    public ReadOnlyMemory<byte> Wrapping =>
        Authenticated[(MessageFormat.MessageIdOffset + MessageFormat.MessageIdLength)..^(1 + sizeof(uint) + MessageFormat.CommitmentLength)];

    /// <summary>As <see cref="Wrapping"/>, as if the message had only one of its encrypted data keys.</summary>
    public ReadOnlyMemory<byte> WrappingOf(int index)
    {
        if (EncryptedDataKeys.Count == 1)
        {
            return Wrapping;
        }

        EncryptedDataKey key = EncryptedDataKeys[index];
        byte[] providerId = Encoding.UTF8.GetBytes(key.ProviderId);
        byte[] wrapping = new byte[_contextField.Length + (4 * sizeof(ushort)) + providerId.Length + key.ProviderInfo.Length + key.Ciphertext.Length];
        _contextField.Span.CopyTo(wrapping);
        Span<byte> rest = wrapping.AsSpan(_contextField.Length);
        BinaryPrimitives.WriteUInt16BigEndian(rest, 1);
        rest = rest[sizeof(ushort)..];
        WriteCounted(ref rest, providerId);
        WriteCounted(ref rest, key.ProviderInfo.Span);
        WriteCounted(ref rest, key.Ciphertext.Span);
        return wrapping;
    }

    /// <summary>The whole header as received.</summary>
    public ReadOnlyMemory<byte> Bytes { get; private set; }

    /// <summary>The length of the whole header; the body begins there.</summary>
    public int Length => Bytes.Length;

    /// <summary>The header at the start of a message.</summary>
    /// <param name="message">The message; bytes behind the header are not looked at.</param>
    /// <param name="options">How long the header may be and how many encrypted data keys it may have.</param>
    /// <exception cref="ByokDecryptionException">There is no such header, or it is of a kind that is not read.</exception>
    public static MessageHeader Read(ReadOnlyMemory<byte> message, MessageOptions options) =>
        TryRead(message, options, out MessageHeader? header, out string? complaint) ? header : throw new ByokDecryptionException(complaint);

    /// <summary>The header at the start of a message, or what is wrong with it, in the words of <see cref="HeaderComplaint"/>.</summary>
    public static bool TryRead(
        ReadOnlyMemory<byte> message,
        MessageOptions options,
        [NotNullWhen(true)] out MessageHeader? header,
        [NotNullWhen(false)] out string? complaint)
    {
        MessageHeader parsed = new();
        bool cut = message.Length > options.MaxHeaderLength;
        HeaderCursor cursor = new(cut ? message[..options.MaxHeaderLength] : message);
        complaint = parsed.ReadSuite(ref cursor)
            ?? parsed.ReadMessageId(ref cursor)
            ?? parsed.ReadEncryptionContext(ref cursor)
            ?? parsed.ReadEncryptedDataKeys(ref cursor, options.MaxEncryptedDataKeys)
            ?? parsed.ReadBodyFormat(ref cursor)
            ?? parsed.ReadCommitmentAndTag(ref cursor);
        if (cut && complaint == HeaderComplaint.TooShort)
        {
            complaint = HeaderComplaint.HeaderTooLong(options.MaxHeaderLength);
        }

        header = complaint is null ? parsed : null;
        return complaint is null;
    }

    private static void WriteCounted(ref Span<byte> rest, ReadOnlySpan<byte> field)
    {
        BinaryPrimitives.WriteUInt16BigEndian(rest, (ushort)field.Length);
        field.CopyTo(rest[sizeof(ushort)..]);
        rest = rest[(sizeof(ushort) + field.Length)..];
    }

    private string? ReadSuite(ref HeaderCursor cursor)
    {
        if (cursor.StartsWith("AY"u8) || cursor.StartsWith("Ag"u8))
        {
            return HeaderComplaint.Base64;
        }

        if (!cursor.TryTakeByte(out byte version))
        {
            return HeaderComplaint.TooShort;
        }

        if (version is not (MessageFormat.Version1 or MessageFormat.Version2))
        {
            return HeaderComplaint.NotAMessage;
        }

        if (version == MessageFormat.Version1 && cursor.TryTakeByte(out byte type) && type != MessageFormat.Version1Type)
        {
            return HeaderComplaint.NotAMessage;
        }

        if (!cursor.TryTakeUInt16(out ushort id))
        {
            return HeaderComplaint.TooShort;
        }

        if (version == MessageFormat.Version1)
        {
            return AlgorithmSuite.FindLegacy(id) is { } legacy ? HeaderComplaint.Legacy(legacy) : HeaderComplaint.Unknown(id);
        }

        if (AlgorithmSuite.Find(id) is not { } suite)
        {
            return HeaderComplaint.Unknown(id);
        }

        Suite = suite;
        return null;
    }

    private string? ReadMessageId(ref HeaderCursor cursor)
    {
        if (!cursor.TryTake(MessageFormat.MessageIdLength, out ReadOnlyMemory<byte> messageId))
        {
            return HeaderComplaint.TooShort;
        }

        MessageId = messageId;
        return null;
    }

    private string? ReadEncryptionContext(ref HeaderCursor cursor)
    {
        int start = cursor.Position;
        if (!cursor.TryTakeCounted(out _))
        {
            return HeaderComplaint.TooShort;
        }

        if (!EncryptionContext.TryParse(cursor.TakenSince(start).Span, out EncryptionContext context))
        {
            return HeaderComplaint.ContextMalformed;
        }

        EncryptionContext = context;
        _contextField = cursor.TakenSince(start);
        return ReadSignatureKey();
    }

    // The key travels in the encryption context, so that KMS, too, holds the message to it.
    private string? ReadSignatureKey()
    {
        if (!EncryptionContext.TryGetValue("aws-crypto-public-key"u8, out ReadOnlySpan<byte> value))
        {
            return Suite.Signs ? HeaderComplaint.SignatureKeyMissing : null;
        }

        if (!Suite.Signs)
        {
            return HeaderComplaint.ContextHoldsPublicKey;
        }

        SignatureKey = SignatureKey.TryParse(value, out SignatureKey? key) ? key : null;
        return key is null ? HeaderComplaint.SignatureKeyMalformed : null;
    }

    private string? ReadEncryptedDataKeys(ref HeaderCursor cursor, int limit)
    {
        if (!cursor.TryTakeUInt16(out ushort count))
        {
            return HeaderComplaint.TooShort;
        }

        if (count == 0)
        {
            return HeaderComplaint.NoEncryptedDataKeys;
        }

        if (count > limit)
        {
            return HeaderComplaint.TooManyEncryptedDataKeys(limit);
        }

        // Three lengths each is the least they take: without that many bytes, nothing is allocated for them.
        if (cursor.Remaining / (3 * sizeof(ushort)) < count)
        {
            return HeaderComplaint.TooShort;
        }

        EncryptedDataKey[] keys = new EncryptedDataKey[count];
        for (int i = 0; i < keys.Length; i++)
        {
            if (!cursor.TryTakeCounted(out ReadOnlyMemory<byte> providerId)
                || !cursor.TryTakeCounted(out ReadOnlyMemory<byte> providerInfo)
                || !cursor.TryTakeCounted(out ReadOnlyMemory<byte> ciphertext))
            {
                return HeaderComplaint.TooShort;
            }

            if (!Utf8.IsValid(providerId.Span))
            {
                return HeaderComplaint.ProviderIdMalformed;
            }

            keys[i] = new(ProviderName(providerId.Span), providerInfo, ciphertext);
        }

        EncryptedDataKeys = keys;
        return null;
    }

    private static string ProviderName(ReadOnlySpan<byte> providerId) =>
        providerId.SequenceEqual("aws-kms"u8) ? EncryptedDataKey.AwsKms : Encoding.UTF8.GetString(providerId);

    private string? ReadBodyFormat(ref HeaderCursor cursor)
    {
        if (!cursor.TryTakeByte(out byte contentType) || !cursor.TryTakeUInt32(out uint frameLength))
        {
            return HeaderComplaint.TooShort;
        }

        Body = new BodyFormat((ContentType)contentType, frameLength);
        return Body.ContentType switch
        {
            ContentType.Framed => frameLength == 0 ? HeaderComplaint.FrameLengthZero : null,
            ContentType.NonFramed => frameLength == 0 ? null : HeaderComplaint.FrameLengthNotZero,
            _ => HeaderComplaint.ContentTypeUnknown,
        };
    }

    private string? ReadCommitmentAndTag(ref HeaderCursor cursor)
    {
        if (!cursor.TryTake(MessageFormat.CommitmentLength, out ReadOnlyMemory<byte> commitment))
        {
            return HeaderComplaint.TooShort;
        }

        Commitment = commitment;
        Authenticated = cursor.TakenSince(0);
        if (!cursor.TryTake(MessageFormat.TagLength, out ReadOnlyMemory<byte> tag))
        {
            return HeaderComplaint.TooShort;
        }

        Tag = tag;
        Bytes = cursor.TakenSince(0);
        return null;
    }
}
