using System.Buffers;
using System.Diagnostics;
using System.Security.Cryptography;
using Scalr.Byok.Kms.DataKeys;
using Scalr.Byok.Kms.Diagnostics;

namespace Scalr.Byok.Kms.Messages;

/// <summary>Makes whole messages in memory.</summary>
internal static class MessageWriter
{
    /// <summary>How long the message of so much plaintext is.</summary>
    /// <exception cref="ArgumentException">The message would not fit into an array, or would be longer than it may be.</exception>
    public static int MessageLength(MessageTemplate template, int plaintextLength, long maxMessageLength = long.MaxValue)
    {
        // At most 2^31 frames of 32 bytes beside their content: nowhere near 64 bits.
        long length = template.HeaderLength
            + ((FrameCount(plaintextLength, template.FrameLength) - 1L) * MessageFormat.RegularFrameOverhead)
            + plaintextLength
            + MessageFormat.FinalFrameOverhead;
        if (length > maxMessageLength)
        {
            throw TooLong(maxMessageLength);
        }

        return length <= Array.MaxLength
            ? (int)length
            : throw PlaintextTooLong("The message would not fit into memory in one piece. Encrypt from a stream to a stream.");
    }

    /// <summary>What becomes of an attempt to write more than may be.</summary>
    public static ArgumentException TooLong(long maxMessageLength) =>
        PlaintextTooLong($"The message would be longer than the {maxMessageLength} bytes that MaxMessageLength allows.");

    /// <summary>An exception that names the parameter as the key ring's callers know it.</summary>
    public static ArgumentException PlaintextTooLong(string complaint, string parameterName = "plaintext") => new(complaint, parameterName);

    /// <summary>Encrypts to a new message.</summary>
    /// <exception cref="ArgumentException">The message would not fit into an array, or would be longer than it may be.</exception>
    /// <exception cref="ObjectDisposedException">The data key is erased.</exception>
    public static byte[] Write(MessageTemplate template, DataKey dataKey, ReadOnlyMemory<byte> plaintext, MessageOptions options)
    {
        byte[] message = GC.AllocateUninitializedArray<byte>(MessageLength(template, plaintext.Length, options.MaxMessageLength));
        Write(template, dataKey, NewMessageId(stackalloc byte[MessageFormat.MessageIdLength]), plaintext, message, options.MaxDegreeOfParallelism);
        Instruments.Encrypted(plaintext.Length);
        return message;
    }

    /// <summary>Encrypts into a caller's buffers, in one piece.</summary>
    /// <exception cref="ArgumentException">The message would not fit into an array, or would be longer than it may be.</exception>
    /// <exception cref="ObjectDisposedException">The data key is erased.</exception>
    public static void WriteTo(IBufferWriter<byte> destination, MessageTemplate template, DataKey dataKey, ReadOnlyMemory<byte> plaintext, MessageOptions options)
    {
        int length = MessageLength(template, plaintext.Length, options.MaxMessageLength);
        Memory<byte> message = destination.GetMemory(length)[..length];
        Write(template, dataKey, NewMessageId(stackalloc byte[MessageFormat.MessageIdLength]), plaintext, message, options.MaxDegreeOfParallelism);
        destination.Advance(length);
        Instruments.Encrypted(plaintext.Length);
    }

    /// <summary>Encrypts to a message with a given id. An id must never occur twice under one data key: IVs would repeat.</summary>
    /// <param name="template">The template made for the data key.</param>
    /// <param name="dataKey">The data key.</param>
    /// <param name="messageId">The message id.</param>
    /// <param name="plaintext">The plaintext.</param>
    /// <param name="message">Exactly <see cref="MessageLength"/> bytes.</param>
    /// <param name="maxDegreeOfParallelism">How many threads at most; the bytes are the same.</param>
    public static void Write(
        MessageTemplate template,
        DataKey dataKey,
        ReadOnlySpan<byte> messageId,
        ReadOnlyMemory<byte> plaintext,
        Memory<byte> message,
        int maxDegreeOfParallelism = 1)
    {
        Debug.Assert(messageId.Length == MessageFormat.MessageIdLength, "a message id has its fixed length");
        Debug.Assert(message.Length == MessageLength(template, plaintext.Length), "the message fits exactly");

        Span<byte> contentKey = stackalloc byte[MessageKeys.ContentKeyLength];
        Span<byte> commitment = stackalloc byte[MessageFormat.CommitmentLength];
        try
        {
            MessageKeys.Derive(AlgorithmSuite.Committing, dataKey, messageId, contentKey, commitment);
            Memory<byte> writtenId = message.Slice(MessageFormat.MessageIdOffset, messageId.Length);
            messageId.CopyTo(writtenId.Span);
            using MessageCipher cipher = new(contentKey, writtenId);
            template.WriteHeader(message.Span[..template.HeaderLength], messageId, commitment, cipher);

            Memory<byte> body = message[template.HeaderLength..];
            int frameLength = template.FrameLength;
            int frames = FrameCount(plaintext.Length, frameLength);
            if (ParallelFrames.Pay(plaintext.Length, frames, maxDegreeOfParallelism))
            {
                WriteInParallel(body, plaintext, frames, frameLength, maxDegreeOfParallelism, contentKey, writtenId);
            }
            else
            {
                WriteFrames(body.Span, plaintext.Span, 0, frames, frameLength, cipher);
            }
        }
        finally
        {
            CryptographicOperations.ZeroMemory(contentKey);
        }
    }

    private static Span<byte> NewMessageId(Span<byte> messageId)
    {
        RandomNumberGenerator.Fill(messageId);
        return messageId;
    }

    // Apart, because what the threads share is allocated as soon as a method that has it is entered.
    private static void WriteInParallel(
        Memory<byte> body,
        ReadOnlyMemory<byte> plaintext,
        int frames,
        int frameLength,
        int maxDegreeOfParallelism,
        ReadOnlySpan<byte> contentKey,
        ReadOnlyMemory<byte> messageId) =>
        ParallelFrames.Run(
            frames,
            frameLength,
            maxDegreeOfParallelism,
            contentKey,
            messageId,
            (cipher, first, end) => WriteFrames(body.Span, plaintext.Span, first, end, frameLength, cipher));

    /// <summary>Writes the frames from <paramref name="first"/> to before <paramref name="end"/>, counted from 0, each at its place.</summary>
    private static void WriteFrames(Span<byte> body, ReadOnlySpan<byte> plaintext, int first, int end, int frameLength, in MessageCipher cipher)
    {
        body = body[(int)(first * ((long)frameLength + MessageFormat.RegularFrameOverhead))..];
        plaintext = plaintext[(first * frameLength)..];
        for (int frame = first; frame < end; frame++)
        {
            uint sequence = (uint)frame + 1;
            if (plaintext.Length <= frameLength)
            {
                int written = Frame.WriteFinal(body, sequence, plaintext, cipher);
                Debug.Assert(written == body.Length, "the body ends with its final frame");
                return;
            }

            body = body[Frame.WriteRegular(body, sequence, plaintext[..frameLength], cipher)..];
            plaintext = plaintext[frameLength..];
        }
    }

    // The final frame has what is left over: a whole frame if the plaintext divides evenly, nothing only if there is no plaintext.
    private static int FrameCount(int plaintextLength, int frameLength) => plaintextLength == 0 ? 1 : ((plaintextLength - 1) / frameLength) + 1;
}
