using System.Diagnostics;
using System.Security.Cryptography;
using Scalr.Byok.Kms.DataKeys;

namespace Scalr.Byok.Kms.Messages;

/// <summary>Makes whole messages in memory.</summary>
internal static class MessageWriter
{
    /// <summary>How long the message of so much plaintext is.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The message would not fit into an array.</exception>
    public static int MessageLength(MessageTemplate template, long plaintextLength)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(plaintextLength);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(plaintextLength, Array.MaxLength);

        // At most 2^31 frames of 32 bytes beside their content: nowhere near 64 bits.
        long length = template.HeaderLength
            + (RegularFrames(template, plaintextLength) * MessageFormat.RegularFrameOverhead)
            + plaintextLength
            + MessageFormat.FinalFrameOverhead;
        return length <= Array.MaxLength
            ? (int)length
            : throw new ArgumentOutOfRangeException(nameof(plaintextLength), plaintextLength, "The message would not fit into memory in one piece.");
    }

    /// <summary>Encrypts to a new message.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The message would not fit into an array.</exception>
    /// <exception cref="ObjectDisposedException">The data key is erased.</exception>
    public static byte[] Write(MessageTemplate template, DataKey dataKey, ReadOnlySpan<byte> plaintext)
    {
        Span<byte> messageId = stackalloc byte[MessageFormat.MessageIdLength];
        RandomNumberGenerator.Fill(messageId);
        byte[] message = GC.AllocateUninitializedArray<byte>(MessageLength(template, plaintext.Length));
        Write(template, dataKey, messageId, plaintext, message);
        return message;
    }

    /// <summary>Encrypts to a message with a given id. An id must never occur twice under one data key: IVs would repeat.</summary>
    /// <param name="template">The template made for the data key.</param>
    /// <param name="dataKey">The data key.</param>
    /// <param name="messageId">The message id.</param>
    /// <param name="plaintext">The plaintext.</param>
    /// <param name="message">Exactly <see cref="MessageLength"/> bytes.</param>
    public static void Write(MessageTemplate template, DataKey dataKey, ReadOnlySpan<byte> messageId, ReadOnlySpan<byte> plaintext, Span<byte> message)
    {
        Debug.Assert(messageId.Length == MessageFormat.MessageIdLength, "a message id has its fixed length");
        Debug.Assert(message.Length == MessageLength(template, plaintext.Length), "the message fits exactly");

        Span<byte> contentKey = stackalloc byte[MessageKeys.ContentKeyLength];
        Span<byte> commitment = stackalloc byte[MessageFormat.CommitmentLength];
        try
        {
            MessageKeys.Derive(dataKey, messageId, contentKey, commitment);
            using MessageCipher cipher = new(contentKey, messageId);
            template.WriteHeader(message[..template.HeaderLength], messageId, commitment, cipher);
            WriteBody(message[template.HeaderLength..], plaintext, template.FrameLength, cipher);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(contentKey);
        }
    }

    private static void WriteBody(Span<byte> body, ReadOnlySpan<byte> plaintext, int frameLength, in MessageCipher cipher)
    {
        uint sequence = 1;
        while (plaintext.Length > frameLength)
        {
            body = body[Frame.WriteRegular(body, sequence, plaintext[..frameLength], cipher)..];
            plaintext = plaintext[frameLength..];
            sequence++;
        }

        int written = Frame.WriteFinal(body, sequence, plaintext, cipher);
        Debug.Assert(written == body.Length, "the body ends with its final frame");
    }

    // The final frame has what is left over: a whole frame if the plaintext divides evenly, nothing only if there is no plaintext.
    private static long RegularFrames(MessageTemplate template, long plaintextLength) =>
        plaintextLength == 0 ? 0 : (plaintextLength - 1) / template.FrameLength;
}
