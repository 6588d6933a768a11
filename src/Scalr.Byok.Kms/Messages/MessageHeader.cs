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
    private MessageHeader()
    {
    }

    public AlgorithmSuite Suite { get; private set; } = AlgorithmSuite.Committing;

    public ReadOnlyMemory<byte> MessageId { get; private set; }

    public EncryptionContext EncryptionContext { get; private set; } = EncryptionContext.Empty;

    /// <summary>At least one, in the order of the message.</summary>
    public IReadOnlyList<EncryptedDataKey> EncryptedDataKeys { get; private set; } = [];

    public ContentType ContentType { get; private set; }

    /// <summary>How much plaintext each frame but the last holds; at least 1, perhaps more than fits into memory.</summary>
    public uint FrameLength { get; private set; }

    public ReadOnlyMemory<byte> Commitment { get; private set; }

    /// <summary>The bytes as received that <see cref="Tag"/> authenticates: all of the header before it.</summary>
    public ReadOnlyMemory<byte> Authenticated { get; private set; }

    public ReadOnlyMemory<byte> Tag { get; private set; }

    /// <summary>The length of the whole header; the body begins there.</summary>
    public int Length => Authenticated.Length + Tag.Length;

    /// <summary>The header at the start of a message.</summary>
    /// <param name="message">The message; bytes behind the header are not looked at.</param>
    /// <param name="maxEncryptedDataKeys">How many encrypted data keys a message may have.</param>
    /// <exception cref="ByokDecryptionException">There is no such header, or it is of a kind that is not read.</exception>
    public static MessageHeader Read(ReadOnlyMemory<byte> message, int maxEncryptedDataKeys) =>
        TryRead(message, maxEncryptedDataKeys, out MessageHeader? header, out string? complaint) ? header : throw new ByokDecryptionException(complaint);

    /// <summary>The header at the start of a message, or what is wrong with it, in the words of <see cref="HeaderComplaint"/>.</summary>
    public static bool TryRead(
        ReadOnlyMemory<byte> message,
        int maxEncryptedDataKeys,
        [NotNullWhen(true)] out MessageHeader? header,
        [NotNullWhen(false)] out string? complaint)
    {
        MessageHeader parsed = new();
        HeaderCursor cursor = new(message);
        complaint = parsed.ReadSuite(ref cursor)
            ?? parsed.ReadMessageId(ref cursor)
            ?? parsed.ReadEncryptionContext(ref cursor)
            ?? parsed.ReadEncryptedDataKeys(ref cursor, maxEncryptedDataKeys)
            ?? parsed.ReadBodyLayout(ref cursor)
            ?? parsed.ReadCommitmentAndTag(ref cursor);
        header = complaint is null ? parsed : null;
        return complaint is null;
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
        return suite == AlgorithmSuite.CommittingSigned ? HeaderComplaint.Signed(suite) : null;
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
        return context.ContainsKey("aws-crypto-public-key"u8) ? HeaderComplaint.ContextHoldsPublicKey : null;
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

    private string? ReadBodyLayout(ref HeaderCursor cursor)
    {
        if (!cursor.TryTakeByte(out byte contentType) || !cursor.TryTakeUInt32(out uint frameLength))
        {
            return HeaderComplaint.TooShort;
        }

        ContentType = (ContentType)contentType;
        FrameLength = frameLength;
        return ContentType switch
        {
            ContentType.Framed => frameLength == 0 ? HeaderComplaint.FrameLengthZero : null,
            ContentType.NonFramed => HeaderComplaint.NonFramed,
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
        return null;
    }
}
