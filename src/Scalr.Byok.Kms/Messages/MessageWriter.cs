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
    public static int MessageLength(MessageTemplate template, long plaintextLength, long maxMessageLength = long.MaxValue)
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
    public static long LongMessageLength(MessageTemplate template, long plaintextLength) =>
        template.HeaderLength
        + BodyFrames.Length(plaintextLength, BodyFrames.Count(plaintextLength, template.FrameLength), endsMessage: true);

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
            new(plaintext),
            message,
            options.MaxDegreeOfParallelism);
        Instruments.Encrypted(plaintext.Length);
        return message;
    }

    /// <summary>Encrypts into a caller's buffer, in one piece.</summary>
    /// <exception cref="ArgumentException">The message would not fit into an array, or would exceed the limit.</exception>
    /// <exception cref="ObjectDisposedException">The data key is erased.</exception>
    public static void WriteTo(
        IBufferWriter<byte> destination,
        MessageTemplate template,
        DataKey dataKey,
        ReadOnlySequence<byte> plaintext,
        MessageOptions options)
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
        ReadOnlySequence<byte> plaintext,
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

            BodyFrames.Encrypt(
                plaintext,
                message[template.HeaderLength..],
                firstSequence: 1,
                endsMessage: true,
                template.FrameLength,
                new FrameCiphers(cipher, contentKey, writtenId, maxDegreeOfParallelism));
        }
        finally
        {
            CryptographicOperations.ZeroMemory(contentKey);
        }
    }

    private static Span<byte> NewMessageId(Span<byte> messageId)
    {
        NonceSource.Fill(messageId);
        return messageId;
    }
}
