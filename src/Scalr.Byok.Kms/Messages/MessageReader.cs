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
    public static byte[] Read(MessageHeader header, ReadOnlyMemory<byte> message, DataKey dataKey, int maxDegreeOfParallelism = 1) =>
        Read(header, message, dataKey, destination: null, maxDegreeOfParallelism)!;

    /// <summary>Decrypts into a caller's buffer, in one piece: all of it or nothing.</summary>
    /// <inheritdoc cref="Read(MessageHeader, ReadOnlyMemory{byte}, DataKey, int)"/>
    public static void ReadTo(
        IBufferWriter<byte> destination,
        MessageHeader header,
        ReadOnlyMemory<byte> message,
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
        MessageHeader header, ReadOnlyMemory<byte> message, DataKey dataKey, IBufferWriter<byte>? destination, int maxDegreeOfParallelism)
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
            if (!cipher.TryOpenHeader(header) || !TryMeasure(header, message.Span, out var bodyLength, out var plaintextLength))
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
                var body = message.Slice(header.Length, bodyLength);
                var frames = FrameCount(header.Body, bodyLength);
                authentic = ParallelFrames.Pay(plaintextLength, frames, maxDegreeOfParallelism)
                    ? TryDecryptInParallel(header, body, frames, maxDegreeOfParallelism, contentKey, plaintext)
                    : TryDecryptFrames(header.Body, body.Span, 0, frames, cipher, plaintext.Span);

                // The signature covers the whole message, so it is verified last. Nothing is returned before.
                authentic = authentic && (!header.Suite.Signs || IsSigned(header, message.Span, header.Length + bodyLength));
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
    private static bool TryMeasure(MessageHeader header, ReadOnlySpan<byte> message, out int bodyLength, out int plaintextLength)
    {
        BodyWalk walk = new(header.Body);
        bodyLength = walk.Walk(message[header.Length..]);
        plaintextLength = walk.AtEnd ? (int)walk.PlaintextLength : 0;
        var rest = message[(header.Length + bodyLength)..];
        return walk.AtEnd && (header.Suite.Signs ? Footer.TryRead(rest, out _) : rest.IsEmpty);
    }

    // A separate method, because the closure is allocated on entry of the method that contains it.
    private static bool TryDecryptInParallel(
        MessageHeader header,
        ReadOnlyMemory<byte> body,
        int frames,
        int maxDegreeOfParallelism,
        ReadOnlySpan<byte> contentKey,
        Memory<byte> plaintext)
    {
        var forged = 0;
        ParallelFrames.Run(
            frames, (int)header.Body.FrameLength, maxDegreeOfParallelism, contentKey, header.MessageId, (cipher, first, end) =>
            {
                // After one forged frame, the message is rejected as a whole, so the other threads stop.
                if (Volatile.Read(ref forged) == 0 && !TryDecryptFrames(header.Body, body.Span, first, end, cipher, plaintext.Span))
                {
                    Volatile.Write(ref forged, 1);
                }
            });
        return forged == 0;
    }

    /// <summary>
    /// Decrypts the frames from <paramref name="first"/> up to, not including, <paramref name="end"/>, counted from 0, in place.
    /// </summary>
    private static bool TryDecryptFrames(
        BodyFormat format, ReadOnlySpan<byte> body, int first, int end, in MessageCipher cipher, Span<byte> plaintext)
    {
        // All frames before the first one are whole regular frames, so neither product exceeds the bytes that exist.
        body = body[(int)(first * format.RegularFrameLength)..];
        plaintext = plaintext[(int)(first * (long)format.FrameLength)..];
        for (var i = first; i < end; i++)
        {
            // A frame with another number or from another message fails: number, length and message id are authenticated with it.
            if (!Frame.TryRead(body, (uint)i + 1, format, out var frame) || !cipher.TryOpen(frame, plaintext[..frame.Content.Length]))
            {
                return false;
            }

            plaintext = plaintext[frame.Content.Length..];
            body = body[frame.Length..];
        }

        return true;
    }

    // Of a measured body: regular frames of equal length, then the final one, which has at least its overhead.
    private static int FrameCount(BodyFormat format, int bodyLength) =>
        format.ContentType == ContentType.Framed
            ? (int)((bodyLength - MessageFormat.FinalFrameOverhead) / format.RegularFrameLength) + 1
            : 1;

    private static bool IsSigned(MessageHeader header, ReadOnlySpan<byte> message, int signedLength)
    {
        Span<byte> hash = stackalloc byte[SHA384.HashSizeInBytes];
        SHA384.HashData(message[..signedLength], hash);
        return Footer.TryRead(message[signedLength..], out var signature)
            && header.SignatureKey?.Verifies(hash, signature) == true;
    }
}
