using System.Buffers;
using System.Security.Cryptography;
using Scalr.Byok.Kms.DataKeys;
using Scalr.Byok.Kms.Diagnostics;

namespace Scalr.Byok.Kms.Messages;

/// <summary>
/// Authenticates and decrypts whole messages in memory. Whatever fails here fails with the same words: which check it was would
/// tell an attacker how far a forgery got.
/// </summary>
internal static class MessageReader
{
    /// <summary>The plaintext of a message, all of it or none.</summary>
    /// <param name="header">The header of this same message.</param>
    /// <param name="message">The message, from its first byte to its last.</param>
    /// <param name="dataKey">The data key out of one of the header's encrypted data keys.</param>
    /// <param name="maxDegreeOfParallelism">How many threads at most.</param>
    /// <exception cref="ByokDecryptionException">The message is not authentic, or not under this data key.</exception>
    /// <exception cref="ObjectDisposedException">The data key is erased.</exception>
    public static byte[] Read(MessageHeader header, ReadOnlyMemory<byte> message, DataKey dataKey, int maxDegreeOfParallelism = 1) =>
        Read(header, message, dataKey, destination: null, maxDegreeOfParallelism)!;

    /// <summary>Decrypts into a caller's buffers, in one piece: all of it or none.</summary>
    /// <inheritdoc cref="Read(MessageHeader, ReadOnlyMemory{byte}, DataKey, int)"/>
    public static void ReadTo(
        IBufferWriter<byte> destination, MessageHeader header, ReadOnlyMemory<byte> message, DataKey dataKey, int maxDegreeOfParallelism = 1) =>
        Read(header, message, dataKey, destination, maxDegreeOfParallelism);

    private static byte[]? Read(
        MessageHeader header, ReadOnlyMemory<byte> message, DataKey dataKey, IBufferWriter<byte>? destination, int maxDegreeOfParallelism)
    {
        Span<byte> contentKey = stackalloc byte[MessageKeys.ContentKeyLength];
        try
        {
            if (!MessageKeys.TryDerive(header, dataKey, contentKey))
            {
                throw new ByokDecryptionException();
            }

            using MessageCipher cipher = new(contentKey, header.MessageId);
            if (!cipher.TryOpenHeader(header) || !TryMeasure(header, message.Span, out int bodyLength, out int plaintextLength))
            {
                throw new ByokDecryptionException();
            }

            byte[]? result = destination is null ? GC.AllocateUninitializedArray<byte>(plaintextLength) : null;
            Memory<byte> plaintext = result ?? destination!.GetMemory(plaintextLength)[..plaintextLength];
            bool authentic = false;
            try
            {
                ReadOnlyMemory<byte> body = message.Slice(header.Length, bodyLength);
                int frames = FrameCount(header.Body, bodyLength);
                authentic = ParallelFrames.Pay(plaintextLength, frames, maxDegreeOfParallelism)
                    ? TryDecryptInParallel(header, body, frames, maxDegreeOfParallelism, contentKey, plaintext)
                    : TryDecryptFrames(header.Body, body.Span, 0, frames, cipher, plaintext.Span);
                authentic = authentic && (!header.Suite.Signs || IsSigned(header, message.Span, header.Length + bodyLength));
            }
            finally
            {
                if (!authentic)
                {
                    CryptographicOperations.ZeroMemory(plaintext.Span);
                }
            }

            if (!authentic)
            {
                throw new ByokDecryptionException();
            }

            destination?.Advance(plaintextLength);
            Instruments.Decrypted(plaintextLength);
            return result;
        }
        finally
        {
            CryptographicOperations.ZeroMemory(contentKey);
        }
    }

    // Without decrypting: only contents that are there are counted, and nothing may follow the body but a footer where there must be one.
    private static bool TryMeasure(MessageHeader header, ReadOnlySpan<byte> message, out int bodyLength, out int plaintextLength)
    {
        BodyWalk walk = new(header.Body);
        bodyLength = walk.Walk(message[header.Length..]);
        plaintextLength = walk.AtEnd ? (int)walk.PlaintextLength : 0;
        ReadOnlySpan<byte> rest = message[(header.Length + bodyLength)..];
        return walk.AtEnd && (header.Suite.Signs ? Footer.TryRead(rest, out _) : rest.IsEmpty);
    }

    // Apart, because what the threads share is allocated as soon as a method that has it is entered.
    private static bool TryDecryptInParallel(
        MessageHeader header,
        ReadOnlyMemory<byte> body,
        int frames,
        int maxDegreeOfParallelism,
        ReadOnlySpan<byte> contentKey,
        Memory<byte> plaintext)
    {
        int forged = 0;
        ParallelFrames.Run(frames, (int)header.Body.FrameLength, maxDegreeOfParallelism, contentKey, header.MessageId, (cipher, first, end) =>
        {
            if (Volatile.Read(ref forged) == 0 && !TryDecryptFrames(header.Body, body.Span, first, end, cipher, plaintext.Span))
            {
                Volatile.Write(ref forged, 1);
            }
        });
        return forged == 0;
    }

    /// <summary>Decrypts the frames from <paramref name="first"/> to before <paramref name="end"/>, counted from 0, each to its place.</summary>
    private static bool TryDecryptFrames(BodyFormat format, ReadOnlySpan<byte> body, int first, int end, in MessageCipher cipher, Span<byte> plaintext)
    {
        // Past frame 0 there are regular frames before it, all of them whole, so neither product exceeds what is there.
        body = body[(int)(first * format.RegularFrameLength)..];
        plaintext = plaintext[(int)(first * (long)format.FrameLength)..];
        for (int i = first; i < end; i++)
        {
            if (!Frame.TryRead(body, (uint)i + 1, format, out Frame frame) || !cipher.TryOpen(frame, plaintext[..frame.Content.Length]))
            {
                return false;
            }

            plaintext = plaintext[frame.Content.Length..];
            body = body[frame.Length..];
        }

        return true;
    }

    // Of a body that was measured: regular frames, all of one length, then the final one, which is longer than none.
    private static int FrameCount(BodyFormat format, int bodyLength) =>
        format.ContentType == ContentType.Framed ? (int)((bodyLength - MessageFormat.FinalFrameOverhead) / format.RegularFrameLength) + 1 : 1;

    private static bool IsSigned(MessageHeader header, ReadOnlySpan<byte> message, int signedLength)
    {
        Span<byte> hash = stackalloc byte[SHA384.HashSizeInBytes];
        SHA384.HashData(message[..signedLength], hash);
        return Footer.TryRead(message[signedLength..], out ReadOnlySpan<byte> signature) && header.SignatureKey?.Verifies(hash, signature) == true;
    }
}
