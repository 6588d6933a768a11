using System.Buffers;
using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Text;
using System.Text.Unicode;
using Scalr.Byok.Kms.DataKeys;

namespace Scalr.Byok.Kms.Messages;

/// <summary>
/// A parsed header; see <see cref="MessageFormat"/>. <b>Not authenticated:</b> it only selects the data key to fetch.
/// <see cref="MessageReader"/> authenticates it. Refers to the message, which must not change.
/// </summary>
internal sealed class MessageHeader
{
    private const int UsualLength = 4096;

    // The context as received, with its length in front.
    private ReadOnlyMemory<byte> _contextField;

    private MessageHeader()
    {
    }

    public AlgorithmSuite Suite { get; private set; } = AlgorithmSuite.Committing;

    public ReadOnlyMemory<byte> MessageId { get; private set; }

    public EncryptionContext EncryptionContext { get; private set; } = EncryptionContext.Empty;

    /// <summary>The encrypted data keys, at least one, in the order of the message.</summary>
    public IReadOnlyList<EncryptedDataKey> EncryptedDataKeys { get; private set; } = [];

    public BodyFormat Body { get; private set; }

    /// <summary>The public key of the signature in the footer; null if the suite does not sign.</summary>
    public SignatureKey? SignatureKey { get; private set; }

    public ReadOnlyMemory<byte> Commitment { get; private set; }

    /// <summary>The bytes that <see cref="Tag"/> authenticates: all of the header before it, as received.</summary>
    public ReadOnlyMemory<byte> Authenticated { get; private set; }

    public ReadOnlyMemory<byte> Tag { get; private set; }

    /// <summary>The encryption context and the encrypted data keys as received: equal for all messages of one data key.</summary>
    // Identifies a data key in the cache. Nothing else in the message decides which data key it needs.
    public ReadOnlyMemory<byte> ContextAndEncryptedKeys =>
        Authenticated[(MessageFormat.MessageIdOffset
            + MessageFormat.MessageIdLength)..^(1 + sizeof(uint) + MessageFormat.CommitmentLength)];

    /// <summary>As <see cref="ContextAndEncryptedKeys"/>, as if the message had only one of its encrypted data keys.</summary>
    public ReadOnlyMemory<byte> ContextAndEncryptedKey(int index)
    {
        if (EncryptedDataKeys.Count == 1)
        {
            return ContextAndEncryptedKeys;
        }

        // The message as it would be with this encrypted data key alone: messages that share a data key then share its entry in the cache.
        var key = EncryptedDataKeys[index];
        var providerId = Encoding.UTF8.GetBytes(key.ProviderId);
        var wrapping = new byte[_contextField.Length + (4 * sizeof(ushort))
            + providerId.Length + key.ProviderInfo.Length + key.Ciphertext.Length];
        _contextField.Span.CopyTo(wrapping);
        var rest = wrapping.AsSpan(_contextField.Length);

        // The count. The lengths below fit into 16 bits, because they were read from 16 bits.
        BinaryPrimitives.WriteUInt16BigEndian(rest, 1);
        rest = rest[sizeof(ushort)..];
        WriteCounted(ref rest, providerId);
        WriteCounted(ref rest, key.ProviderInfo.Span);
        WriteCounted(ref rest, key.Ciphertext.Span);
        return wrapping;
    }

    /// <summary>The whole header as received.</summary>
    public ReadOnlyMemory<byte> Bytes { get; private set; }

    /// <summary>The length of the header, and the offset of the body.</summary>
    public int Length => Bytes.Length;

    /// <summary>Reads the header at the start of a message.</summary>
    /// <param name="message">The message. Bytes after the header are ignored.</param>
    /// <param name="options">The limits.</param>
    /// <exception cref="ByokDecryptionException">There is no header, or it is of an unsupported kind.</exception>
    public static MessageHeader Read(ReadOnlyMemory<byte> message, MessageOptions options) =>
        TryRead(message, options, out var header, out var complaint) ? header : throw new ByokDecryptionException(complaint);

    /// <summary>Reads the header at the start of a message. Copies it if it is in several pieces.</summary>
    /// <inheritdoc cref="Read(ReadOnlyMemory{byte}, MessageOptions)"/>
    public static MessageHeader Read(ReadOnlySequence<byte> message, MessageOptions options)
    {
        if (message.IsSingleSegment)
        {
            return Read(message.First, options);
        }

        // A header of the usual length first, and more only if it is longer. One byte more than the limit shows that it is too long.
        var length = Math.Min(UsualLength, Math.Min(message.Length, options.MaxHeaderLength + 1L));
        while (true)
        {
            if (TryRead(message.Slice(0, length).ToArray(), options, out var header, out var complaint))
            {
                return header;
            }

            var longer = Math.Min(2 * length, Math.Min(message.Length, options.MaxHeaderLength + 1L));
            if (complaint != HeaderErrors.TooShort || longer == length)
            {
                throw new ByokDecryptionException(complaint);
            }

            length = longer;
        }
    }

    /// <summary>Reads the header at the start of a message, or returns what is wrong with it (<see cref="HeaderErrors"/>).</summary>
    public static bool TryRead(
        ReadOnlyMemory<byte> message,
        MessageOptions options,
        [NotNullWhen(true)] out MessageHeader? header,
        [NotNullWhen(false)] out string? complaint)
    {
        MessageHeader parsed = new();

        // Trust boundary: every length here comes from the sender. The bytes are cut to the limit first, and each length is compared with
        // what is left before anything is allocated for it.
        var cut = message.Length > options.MaxHeaderLength;
        HeaderCursor cursor = new(cut ? message[..options.MaxHeaderLength] : message);
        complaint = parsed.ReadSuite(ref cursor)
            ?? parsed.ReadMessageId(ref cursor)
            ?? parsed.ReadEncryptionContext(ref cursor)
            ?? parsed.ReadEncryptedDataKeys(ref cursor, options.MaxEncryptedDataKeys)
            ?? parsed.ReadBodyFormat(ref cursor)
            ?? parsed.ReadCommitmentAndTag(ref cursor);

        // The bytes go on beyond the limit, so the header is too long rather than incomplete.
        if (cut && complaint == HeaderErrors.TooShort)
        {
            complaint = HeaderErrors.HeaderTooLong(options.MaxHeaderLength);
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
        // The first bytes of a message in Base64, of version 1 and of version 2. The error then says what to do.
        if (cursor.StartsWith("AY"u8) || cursor.StartsWith("Ag"u8))
        {
            return HeaderErrors.Base64;
        }

        if (!cursor.TryTakeByte(out var version))
        {
            return HeaderErrors.TooShort;
        }

        if (version is not (MessageFormat.Version1 or MessageFormat.Version2))
        {
            return HeaderErrors.NotAMessage;
        }

        // Version 1 is recognized for the text of the error only: its suites do not commit to a data key.
        if (version == MessageFormat.Version1 && cursor.TryTakeByte(out var type) && type != MessageFormat.Version1Type)
        {
            return HeaderErrors.NotAMessage;
        }

        if (!cursor.TryTakeUInt16(out var id))
        {
            return HeaderErrors.TooShort;
        }

        if (version == MessageFormat.Version1)
        {
            return AlgorithmSuite.FindLegacy(id) is { } legacy ? HeaderErrors.Legacy(legacy) : HeaderErrors.Unknown(id);
        }

        // Trust boundary: suites without key commitment end here, before any request to AWS KMS.
        if (AlgorithmSuite.Find(id) is not { } suite)
        {
            return HeaderErrors.Unknown(id);
        }

        Suite = suite;
        return null;
    }

    private string? ReadMessageId(ref HeaderCursor cursor)
    {
        if (!cursor.TryTake(MessageFormat.MessageIdLength, out var messageId))
        {
            return HeaderErrors.TooShort;
        }

        MessageId = messageId;
        return null;
    }

    private string? ReadEncryptionContext(ref HeaderCursor cursor)
    {
        var start = cursor.Position;
        if (!cursor.TryTakeCounted(out _))
        {
            return HeaderErrors.TooShort;
        }

        // The pairs are claims. AWS KMS and the header's tag prove them later.
        if (!EncryptionContext.TryParse(cursor.TakenSince(start).Span, out var context))
        {
            return HeaderErrors.ContextMalformed;
        }

        EncryptionContext = context;
        _contextField = cursor.TakenSince(start);
        return ReadSignatureKey();
    }

    // The key is in the encryption context, so that AWS KMS also binds the message to it.
    private string? ReadSignatureKey()
    {
        if (!EncryptionContext.TryGetValue("aws-crypto-public-key"u8, out var value))
        {
            return Suite.Signs ? HeaderErrors.SignatureKeyMissing : null;
        }

        // The AWS Encryption SDK reserves this name for suites that sign.
        if (!Suite.Signs)
        {
            return HeaderErrors.ContextHoldsPublicKey;
        }

        SignatureKey = SignatureKey.TryParse(value, out var key) ? key : null;
        return key is null ? HeaderErrors.SignatureKeyMalformed : null;
    }

    private string? ReadEncryptedDataKeys(ref HeaderCursor cursor, int limit)
    {
        if (!cursor.TryTakeUInt16(out var count))
        {
            return HeaderErrors.TooShort;
        }

        if (count == 0)
        {
            return HeaderErrors.NoEncryptedDataKeys;
        }

        // Each can cost one kms:Decrypt, so the sender must not choose the number freely.
        if (count > limit)
        {
            return HeaderErrors.TooManyEncryptedDataKeys(limit);
        }

        // Each needs at least three lengths. Without that many bytes, nothing is allocated.
        if (cursor.Remaining / (3 * sizeof(ushort)) < count)
        {
            return HeaderErrors.TooShort;
        }

        var keys = new EncryptedDataKey[count];
        for (var i = 0; i < keys.Length; i++)
        {
            if (!cursor.TryTakeCounted(out var providerId)
                || !cursor.TryTakeCounted(out var providerInfo)
                || !cursor.TryTakeCounted(out var ciphertext))
            {
                return HeaderErrors.TooShort;
            }

            // ContextAndEncryptedKey writes the id again from its text, so the text must be the same bytes.
            if (!Utf8.IsValid(providerId.Span))
            {
                return HeaderErrors.ProviderIdMalformed;
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
        if (!cursor.TryTakeByte(out var contentType) || !cursor.TryTakeUInt32(out var frameLength))
        {
            return HeaderErrors.TooShort;
        }

        // Without content in its frames, a body could have any number of them.
        Body = new BodyFormat((ContentType)contentType, frameLength);
        return Body.ContentType switch
        {
            ContentType.Framed => frameLength == 0 ? HeaderErrors.FrameLengthZero : null,
            ContentType.NonFramed => frameLength == 0 ? null : HeaderErrors.FrameLengthNotZero,
            _ => HeaderErrors.ContentTypeUnknown,
        };
    }

    private string? ReadCommitmentAndTag(ref HeaderCursor cursor)
    {
        if (!cursor.TryTake(MessageFormat.CommitmentLength, out var commitment))
        {
            return HeaderErrors.TooShort;
        }

        Commitment = commitment;

        // The bytes as received, never written again from the fields: the tag then covers exactly what was parsed.
        Authenticated = cursor.TakenSince(0);
        if (!cursor.TryTake(MessageFormat.TagLength, out var tag))
        {
            return HeaderErrors.TooShort;
        }

        Tag = tag;
        Bytes = cursor.TakenSince(0);
        return null;
    }
}
