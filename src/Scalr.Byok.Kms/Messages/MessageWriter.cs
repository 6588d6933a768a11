using System.Buffers;
using System.Diagnostics;
using System.Security.Cryptography;
using Scalr.Byok.Kms.DataKeys;
using Scalr.Byok.Kms.Diagnostics;

namespace Scalr.Byok.Kms.Messages;

/// <summary>Writes whole messages in memory.</summary>
internal static class MessageWriter
{
    /// <summary>The length of the message for a plaintext.</summary>
    /// <exception cref="ArgumentException">The message would not fit into an array, or would exceed the limit.</exception>
    public static int MessageLength(MessageTemplate template, int plaintextLength, long maxMessageLength = long.MaxValue)
    {
        var length = LongMessageLength(template, plaintextLength);
        if (length > maxMessageLength)
        {
            throw TooLong(maxMessageLength);
        }

        return length <= Array.MaxLength
            ? (int)length
            : throw PlaintextTooLong("The message would not fit into memory in one piece. Encrypt from a stream to a stream.");
    }

    /// <summary>The length of the message for a plaintext, also if such a message cannot be written.</summary>
    public static long LongMessageLength(MessageTemplate template, int plaintextLength) =>
        // At most 2^31 frames with 32 bytes of overhead: far below 64 bits.
        template.HeaderLength
        + ((FrameCount(plaintextLength, template.FrameLength) - 1L) * MessageFormat.RegularFrameOverhead)
        + plaintextLength
        + MessageFormat.FinalFrameOverhead;

    /// <summary>The exception for a message that would exceed the limit.</summary>
    public static ArgumentException TooLong(long maxMessageLength) =>
        PlaintextTooLong($"The message would be longer than the {maxMessageLength} bytes that MaxMessageLength allows.");

    /// <summary>An exception with the parameter of the public method.</summary>
    public static ArgumentException PlaintextTooLong(string complaint, string parameterName = "plaintext") => new(complaint, parameterName);

    /// <summary>Encrypts to a new message.</summary>
    /// <exception cref="ArgumentException">The message would not fit into an array, or would exceed the limit.</exception>
    /// <exception cref="ObjectDisposedException">The data key is erased.</exception>
    public static byte[] Write(MessageTemplate template, DataKey dataKey, ReadOnlyMemory<byte> plaintext, MessageOptions options)
    {
        var message = GC.AllocateUninitializedArray<byte>(MessageLength(template, plaintext.Length, options.MaxMessageLength));
        Write(
            template,
            dataKey,
            NewMessageId(stackalloc byte[MessageFormat.MessageIdLength]),
            plaintext,
            message,
            options.MaxDegreeOfParallelism);
        Instruments.Encrypted(plaintext.Length);
        return message;
    }

    /// <summary>Encrypts into a caller's buffer, in one piece.</summary>
    /// <exception cref="ArgumentException">The message would not fit into an array, or would exceed the limit.</exception>
    /// <exception cref="ObjectDisposedException">The data key is erased.</exception>
    public static void WriteTo(
        IBufferWriter<byte> destination, MessageTemplate template, DataKey dataKey, ReadOnlyMemory<byte> plaintext, MessageOptions options)
    {
        var length = MessageLength(template, plaintext.Length, options.MaxMessageLength);
        var message = destination.GetMemory(length)[..length];
        Write(
            template,
            dataKey,
            NewMessageId(stackalloc byte[MessageFormat.MessageIdLength]),
            plaintext,
            message,
            options.MaxDegreeOfParallelism);
        destination.Advance(length);
        Instruments.Encrypted(plaintext.Length);
    }

    /// <summary>Encrypts to a message with a given id. An id must occur only once under one data key: otherwise IVs would repeat.</summary>
    /// <param name="template">The template of the data key.</param>
    /// <param name="dataKey">The data key.</param>
    /// <param name="messageId">The message id.</param>
    /// <param name="plaintext">The plaintext.</param>
    /// <param name="message">Exactly <see cref="MessageLength"/> bytes.</param>
    /// <param name="maxDegreeOfParallelism">The largest number of threads. Does not change the bytes.</param>
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
            var writtenId = message.Slice(MessageFormat.MessageIdOffset, messageId.Length);
            messageId.CopyTo(writtenId.Span);
            using MessageCipher cipher = new(contentKey, writtenId);
            template.WriteHeader(message.Span[..template.HeaderLength], messageId, commitment, cipher);

            var body = message[template.HeaderLength..];
            var frameLength = template.FrameLength;
            var frames = FrameCount(plaintext.Length, frameLength);
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

    // A separate method, because the closure is allocated on entry of the method that contains it.
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

    /// <summary>
    /// Writes the frames from <paramref name="first"/> up to, not including, <paramref name="end"/>, counted from 0, in place.
    /// </summary>
    private static void WriteFrames(
        Span<byte> body, ReadOnlySpan<byte> plaintext, int first, int end, int frameLength, in MessageCipher cipher)
    {
        body = body[(int)(first * ((long)frameLength + MessageFormat.RegularFrameOverhead))..];
        plaintext = plaintext[(first * frameLength)..];
        for (var frame = first; frame < end; frame++)
        {
            var sequence = (uint)frame + 1;
            if (plaintext.Length <= frameLength)
            {
                var written = Frame.WriteFinal(body, sequence, plaintext, cipher);
                Debug.Assert(written == body.Length, "the body ends with its final frame");
                return;
            }

            body = body[Frame.WriteRegular(body, sequence, plaintext[..frameLength], cipher)..];
            plaintext = plaintext[frameLength..];
        }
    }

    // The final frame has the rest: a whole frame if the plaintext divides evenly, nothing only for an empty plaintext.
    private static int FrameCount(int plaintextLength, int frameLength) =>
        plaintextLength == 0 ? 1 : ((plaintextLength - 1) / frameLength) + 1;
}
