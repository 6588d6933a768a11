using System.Buffers;
using System.Security.Cryptography;
using Scalr.Byok.Kms.DataKeys;
using Scalr.Byok.Kms.Diagnostics;

namespace Scalr.Byok.Kms.Messages;

/// <summary>
/// Authenticates and decrypts whole messages in memory. All failures have the same message: otherwise an attacker would learn which check a
/// forgery passed.
/// </summary>
internal static class MessageReader
{
    /// <summary>Decrypts a message: all of it or nothing.</summary>
    /// <param name="header">The header of this message.</param>
    /// <param name="message">The message, from its first byte to its last.</param>
    /// <param name="dataKey">The data key of one of the header's encrypted data keys.</param>
    /// <param name="maxDegreeOfParallelism">The largest number of threads.</param>
    /// <exception cref="ByokDecryptionException">The message is not authentic, or not under this data key.</exception>
    /// <exception cref="ObjectDisposedException">The data key is erased.</exception>
    public static byte[] Read(MessageHeader header, ReadOnlySequence<byte> message, DataKey dataKey, int maxDegreeOfParallelism = 1) =>
        Read(header, message, dataKey, destination: null, maxDegreeOfParallelism)!;

    /// <summary>Decrypts into a caller's buffer, in one piece: all of it or nothing.</summary>
    /// <inheritdoc cref="Read(MessageHeader, ReadOnlySequence{byte}, DataKey, int)"/>
    public static void ReadTo(
        IBufferWriter<byte> destination,
        MessageHeader header,
        ReadOnlySequence<byte> message,
        DataKey dataKey,
        int maxDegreeOfParallelism = 1) =>
        Read(header, message, dataKey, destination, maxDegreeOfParallelism);

    /// <summary>Authenticates the header alone. The body may be damaged or missing.</summary>
    /// <exception cref="ByokDecryptionException">The header is not authentic, or not under this data key.</exception>
    /// <exception cref="ObjectDisposedException">The data key is erased.</exception>
    public static void AuthenticateHeader(MessageHeader header, DataKey dataKey)
    {
        Span<byte> contentKey = stackalloc byte[MessageKeys.ContentKeyLength];
        try
        {
            if (!MessageKeys.TryDerive(header, dataKey, contentKey))
            {
                throw new ByokDecryptionException();
            }

            using MessageCipher cipher = new(contentKey, header.MessageId);
            if (!cipher.TryOpenHeader(header))
            {
                throw new ByokDecryptionException();
            }
        }
        finally
        {
            CryptographicOperations.ZeroMemory(contentKey);
        }
    }

    private static byte[]? Read(
        MessageHeader header, ReadOnlySequence<byte> message, DataKey dataKey, IBufferWriter<byte>? destination, int maxDegreeOfParallelism)
    {
        Span<byte> contentKey = stackalloc byte[MessageKeys.ContentKeyLength];
        try
        {
            if (!MessageKeys.TryDerive(header, dataKey, contentKey))
            {
                // The commitment is that of another data key.
                throw new ByokDecryptionException();
            }

            // Trust boundary: the commitment and the header's tag come first. Only then do lengths of the header decide about memory.
            using MessageCipher cipher = new(contentKey, header.MessageId);
            if (!cipher.TryOpenHeader(header) || !TryMeasure(header, message, out var bodyLength, out var plaintextLength))
            {
                throw new ByokDecryptionException();
            }

            // Not cleared first: each byte is decrypted or erased below. The length is that of bytes that are there, so a claim allocates
            // nothing.
            var result = destination is null ? GC.AllocateUninitializedArray<byte>(plaintextLength) : null;
            var plaintext = result ?? destination!.GetMemory(plaintextLength)[..plaintextLength];
            var authentic = false;
            try
            {
                authentic = BodyFrames.TryDecrypt(
                    message.Slice(header.Length, bodyLength),
                    FrameCount(header.Body, bodyLength),
                    firstSequence: 1,
                    header.Body,
                    plaintext,
                    new FrameCiphers(cipher, contentKey, header.MessageId, maxDegreeOfParallelism));

                // The signature covers the whole message, so it is verified last. Nothing is returned before.
                authentic = authentic && (!header.Suite.Signs || IsSigned(header, message, header.Length + bodyLength));
            }
            finally
            {
                if (!authentic)
                {
                    // Also after an exception: frames before the failure have been decrypted already.
                    CryptographicOperations.ZeroMemory(plaintext.Span);
                }
            }

            if (!authentic)
            {
                throw new ByokDecryptionException();
            }

            // Only now does the caller's buffer contain these bytes.
            destination?.Advance(plaintextLength);
            Instruments.Decrypted(plaintextLength);
            return result;
        }
        finally
        {
            CryptographicOperations.ZeroMemory(contentKey);
        }
    }

    // Without decryption. Only contents that are in the message count, and nothing may follow the body except a required footer.
    private static bool TryMeasure(MessageHeader header, ReadOnlySequence<byte> message, out long bodyLength, out int plaintextLength)
    {
        BodyWalk walk = new(header.Body);
        bodyLength = walk.Walk(message.Slice(header.Length));
        var rest = message.Slice(header.Length + bodyLength);

        // A plaintext that does not fit into one piece is rejected like a message that is cut: no buffer can receive it.
        var isWhole = walk.AtEnd && walk.PlaintextLength <= Array.MaxLength;
        plaintextLength = isWhole ? (int)walk.PlaintextLength : 0;
        return isWhole && (header.Suite.Signs ? Footer.TryRead(rest, out _) : rest.IsEmpty);
    }

    // Of a measured body: regular frames of equal length, then the final one, which has at least its overhead.
    private static int FrameCount(BodyFormat format, long bodyLength) =>
        format.ContentType == ContentType.Framed
            ? (int)((bodyLength - MessageFormat.FinalFrameOverhead) / format.RegularFrameLength) + 1
            : 1;

    private static bool IsSigned(MessageHeader header, ReadOnlySequence<byte> message, long signedLength)
    {
        Span<byte> hash = stackalloc byte[SHA384.HashSizeInBytes];
        if (message.IsSingleSegment)
        {
            SHA384.HashData(message.FirstSpan[..(int)signedLength], hash);
        }
        else
        {
            using var signed = IncrementalHash.CreateHash(HashAlgorithmName.SHA384);
            signed.AppendData(message.Slice(0, signedLength));
            signed.GetHashAndReset(hash);
        }

        return Footer.TryRead(message.Slice(signedLength), out var signature) && header.SignatureKey?.Verifies(hash, signature) == true;
    }
}
