using System.Diagnostics.CodeAnalysis;
using Scalr.Byok.Kms.DataKeys;
using Scalr.Byok.Kms.Messages;

namespace Scalr.Byok.Kms;

/// <summary>Reads the headers of messages without any key and without a call to AWS.</summary>
/// <remarks>For operators and tools: shows the key that a message needs, its encryption context and its layout.</remarks>
public static class ByokMessage
{
    private const int DefaultMaxHeaderLength = 131_072;
    private const int DefaultFrameLength = 65_536;

    /// <summary>The maximum length of an encrypted data key of AWS KMS, in bytes.</summary>
    internal const int LongestEncryptedDataKey = 6144;

    /// <summary>The maximum length of a key ARN, in bytes.</summary>
    internal const int LongestKeyArn = 97;

    /// <summary>Reads the header of a message. <b>The header is not authenticated:</b> anyone could have written it.</summary>
    /// <param name="message">
    /// A message, or its start. A header usually has about half a kilobyte; its longest length depends on its encryption context (64 KiB)
    /// and its encrypted data keys. Bytes after the header are ignored.
    /// </param>
    /// <returns>A copy of the header.</returns>
    /// <remarks>The cost depends on the actual length of the header, not on the lengths that it claims.</remarks>
    /// <exception cref="ByokDecryptionException">
    /// The bytes are not a message, end within the header, or are of an unsupported kind. The exception's message says which.
    /// </exception>
    public static UnauthenticatedHeader Read(ReadOnlyMemory<byte> message) => new(MessageHeader.Read(message, MessageOptions.Unlimited));

    /// <summary>Reads the unencrypted header of a message. <b>Nothing in it is authenticated.</b></summary>
    /// <param name="message">A message, or its beginning: any bytes.</param>
    /// <param name="header">The header, copied; null if there is none.</param>
    /// <returns>Whether there is a header that the library can read. No input makes it throw.</returns>
    /// <remarks>Time and memory depend on the bytes that are present, not on the lengths that the header claims.</remarks>
    public static bool TryRead(ReadOnlyMemory<byte> message, [NotNullWhen(true)] out UnauthenticatedHeader? header) =>
        TryRead(message, out header, out _);

    /// <summary>Reads the unencrypted header of a message, or returns why there is none. <b>Nothing in it is authenticated.</b></summary>
    /// <param name="message">A message, or its beginning: any bytes.</param>
    /// <param name="header">The header, copied; null if there is none.</param>
    /// <param name="error">What is wrong: the message of the exception of <see cref="Read"/>. Null if there is a header.</param>
    /// <returns>Whether there is a header that the library can read. No input makes it throw.</returns>
    /// <remarks>Time and memory depend on the bytes that are present, not on the lengths that the header claims.</remarks>
    public static bool TryRead(
        ReadOnlyMemory<byte> message, [NotNullWhen(true)] out UnauthenticatedHeader? header, [NotNullWhen(false)] out string? error)
    {
        header = MessageHeader.TryRead(message, MessageOptions.Unlimited, out var found, out error)
            ? new UnauthenticatedHeader(found)
            : null;
        return header is not null;
    }

    /// <summary>The maximum length of a message with a plaintext of a given length, for example as the size of a database column.</summary>
    /// <remarks>
    /// This is an upper bound. AWS KMS documents only that an encrypted data key has at most 6,144 bytes
    /// (<see href="https://docs.aws.amazon.com/kms/latest/APIReference/API_Encrypt.html">API reference</see>, CiphertextBlob). Today it has
    /// about 180 bytes, so messages are about 6 KB shorter than the bound. The bound also holds after <c>ReencryptAsync</c>. Messages of
    /// other writers may be longer.
    /// </remarks>
    /// <param name="plaintextLength">The length of the plaintext in bytes; of a text, the length of its UTF-8.</param>
    /// <param name="encryptionContext">The pairs that the message will be bound to. Null: none.</param>
    /// <param name="tenant">The tenant whose ring encrypts. Null: a ring of <c>AddKeyRing</c>.</param>
    /// <param name="frameLength"><see cref="ByokOptions.FrameLength"/>. Null: the default, 65,536.</param>
    /// <returns>The maximum length in bytes.</returns>
    /// <exception cref="ArgumentException">The encryption context cannot be written.</exception>
    /// <exception cref="ArgumentOutOfRangeException">
    /// <paramref name="plaintextLength"/> is negative or more than a message can hold: 4,294,967,295 frames. Or
    /// <paramref name="frameLength"/> is less than 1.
    /// </exception>
    public static long GetMaxEncryptedLength(
        long plaintextLength, IReadOnlyDictionary<string, string>? encryptionContext = null, string? tenant = null, int? frameLength = null)
    {
        var perFrame = frameLength ?? DefaultFrameLength;
        ArgumentOutOfRangeException.ThrowIfNegative(plaintextLength);
        ArgumentOutOfRangeException.ThrowIfLessThan(perFrame, 1, nameof(frameLength));
        var frames = plaintextLength == 0 ? 1 : ((plaintextLength - 1) / perFrame) + 1;
        ArgumentOutOfRangeException.ThrowIfGreaterThan(frames, uint.MaxValue, nameof(plaintextLength));
        var context = EncryptionContext.Create(
            encryptionContext, nameof(encryptionContext), tenant is null ? [] : [new(EncryptionContext.TenantKey, tenant)]);
        var header = MessageFormat.MessageIdOffset + MessageFormat.MessageIdLength
            + context.Section.Length
            + (4 * sizeof(ushort)) + EncryptedDataKey.AwsKms.Length + LongestKeyArn + LongestEncryptedDataKey
            + MessageFormat.ContentFieldsLength + MessageFormat.CommitmentLength + MessageFormat.TagLength;
        var others = header + ((frames - 1) * MessageFormat.RegularFrameOverhead) + MessageFormat.FinalFrameOverhead;
        ArgumentOutOfRangeException.ThrowIfGreaterThan(plaintextLength, long.MaxValue - others);
        return plaintextLength + others;
    }

    /// <summary>
    /// The length of a message's plaintext, as its frames state it: the size of a buffer for <c>DecryptAsync</c>. <b>Not authenticated:</b>
    /// a forged message states anything up to its own length.
    /// </summary>
    /// <param name="message">The whole message.</param>
    /// <returns>
    /// The length in bytes. It is exact for a message that decrypts, and less than the length of <paramref name="message"/> for any bytes.
    /// </returns>
    /// <remarks>Reads the header and the head of each frame: no key, no call to AWS, no cryptography.</remarks>
    /// <exception cref="ByokDecryptionException">The bytes are not a message, or not a whole one.</exception>
    public static int GetMaxPlaintextLength(ReadOnlyMemory<byte> message)
    {
        // For its exception, which says what is wrong with a header.
        MessageHeader.Read(message, MessageOptions.Unlimited);
        return TryGetPlaintextLength(message, out var length) ? length : throw new ByokDecryptionException();
    }

    /// <summary>As <see cref="GetMaxPlaintextLength"/>; false for bytes that are not a whole message.</summary>
    internal static bool TryGetPlaintextLength(ReadOnlyMemory<byte> message, out int length)
    {
        length = 0;
        if (!MessageHeader.TryRead(message, MessageOptions.Unlimited, out var header, out _))
        {
            return false;
        }

        BodyWalk walk = new(header.Body);
        walk.Walk(message.Span[header.Length..]);
        length = walk.AtEnd ? (int)walk.PlaintextLength : 0;
        return walk.AtEnd;
    }

    /// <summary>The least length of a message under a key, whatever AWS KMS answers: to reject a buffer before it is asked.</summary>
    internal static long GetMinEncryptedLength(
        int plaintextLength, KmsKeyArn keyArn, IReadOnlyDictionary<string, string>? encryptionContext)
    {
        var context = EncryptionContext.Create(encryptionContext, nameof(encryptionContext), []);
        return MessageFormat.MessageIdOffset + MessageFormat.MessageIdLength
            + context.Section.Length
            + (4 * sizeof(ushort)) + EncryptedDataKey.AwsKms.Length + keyArn.ToString().Length
            + MessageFormat.ContentFieldsLength + MessageFormat.CommitmentLength + MessageFormat.TagLength
            + (long)plaintextLength + MessageFormat.FinalFrameOverhead;
    }

    /// <summary>Reads the header of a message in a stream. <b>The header is not authenticated:</b> anyone could have written it.</summary>
    /// <param name="message">
    /// The source; read from its current position to the end of the header, and possibly some kilobytes further. Neither closed nor
    /// rewound: set it back before you decrypt the message.
    /// </param>
    /// <param name="maxHeaderLength">
    /// The longest header to read, in bytes: 1,024 or more. Null, the default: 131,072, as <see cref="ByokOptions.MaxHeaderLength"/>.
    /// </param>
    /// <param name="cancellationToken">Cancels the call.</param>
    /// <returns>The header.</returns>
    /// <remarks>Exceptions of the stream are passed on unchanged.</remarks>
    /// <exception cref="ArgumentException">
    /// <paramref name="message"/> cannot be read, or <paramref name="maxHeaderLength"/> is too small.
    /// </exception>
    /// <exception cref="ByokDecryptionException">
    /// The bytes are not a message, end within the header, have a longer header, or are of an unsupported kind. The exception's message
    /// says which.
    /// </exception>
    /// <exception cref="OperationCanceledException">The caller cancelled.</exception>
    public static async Task<UnauthenticatedHeader> ReadAsync(
        Stream message, int? maxHeaderLength = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(message);
        var limit = maxHeaderLength ?? DefaultMaxHeaderLength;
        ArgumentOutOfRangeException.ThrowIfLessThan(limit, 1024, nameof(maxHeaderLength));
        if (!message.CanRead)
        {
            throw new ArgumentException("The stream cannot be read.", nameof(message));
        }

        MessageInput input = new(message, MessageOptions.Unlimited with { MaxHeaderLength = limit });
        return new UnauthenticatedHeader(await input.ReadHeaderAsync(cancellationToken).ConfigureAwait(false));
    }
}
