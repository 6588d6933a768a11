using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using Scalr.Byok.Kms.DataKeys;

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
    /// <exception cref="ByokDecryptionException">The message is not authentic, or not under this data key.</exception>
    /// <exception cref="ObjectDisposedException">The data key is erased.</exception>
    public static byte[] Read(MessageHeader header, ReadOnlySpan<byte> message, DataKey dataKey) =>
        TryRead(header, message, dataKey, out byte[]? plaintext) ? plaintext : throw new ByokDecryptionException();

    private static bool TryRead(MessageHeader header, ReadOnlySpan<byte> message, DataKey dataKey, [NotNullWhen(true)] out byte[]? plaintext)
    {
        plaintext = null;
        ReadOnlySpan<byte> messageId = header.MessageId.Span;
        Span<byte> contentKey = stackalloc byte[MessageKeys.ContentKeyLength];
        Span<byte> commitment = stackalloc byte[MessageFormat.CommitmentLength];
        try
        {
            MessageKeys.Derive(dataKey, messageId, contentKey, commitment);

            // First of all: only the committed data key may go on to tags, which other keys can be made to satisfy.
            if (!CryptographicOperations.FixedTimeEquals(commitment, header.Commitment.Span))
            {
                return false;
            }

            using MessageCipher cipher = new(contentKey, messageId);
            return cipher.TryOpenHeader(header.Authenticated.Span, header.Tag.Span)
                && TryReadBody(message[header.Length..], header.FrameLength, cipher, out plaintext);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(contentKey);
        }
    }

    private static bool TryReadBody(ReadOnlySpan<byte> body, uint frameLength, in MessageCipher cipher, [NotNullWhen(true)] out byte[]? plaintext)
    {
        plaintext = null;
        if (!TryMeasure(body, frameLength, out int length))
        {
            return false;
        }

        byte[] decrypted = GC.AllocateUninitializedArray<byte>(length);
        bool authentic = false;
        try
        {
            authentic = TryDecrypt(body, frameLength, cipher, decrypted);
        }
        finally
        {
            if (!authentic)
            {
                CryptographicOperations.ZeroMemory(decrypted);
            }
        }

        plaintext = authentic ? decrypted : null;
        return authentic;
    }

    // Walks the frames without decrypting: only contents that are there are counted, and nothing may follow the final frame.
    private static bool TryMeasure(ReadOnlySpan<byte> body, uint frameLength, out int plaintextLength)
    {
        plaintextLength = 0;
        for (uint due = 1; Frame.TryRead(body, due, frameLength, out Frame frame); due++)
        {
            plaintextLength += frame.Content.Length;
            body = body[frame.Length..];
            if (frame.IsFinal)
            {
                return body.IsEmpty;
            }
        }

        return false;
    }

    private static bool TryDecrypt(ReadOnlySpan<byte> body, uint frameLength, in MessageCipher cipher, Span<byte> plaintext)
    {
        for (uint due = 1; Frame.TryRead(body, due, frameLength, out Frame frame); due++)
        {
            int length = frame.Content.Length;
            if (!cipher.TryOpen(frame.IsFinal, frame.Sequence, frame.IV, frame.Content, frame.Tag, plaintext[..length]))
            {
                return false;
            }

            plaintext = plaintext[length..];
            body = body[frame.Length..];
            if (frame.IsFinal)
            {
                return true;
            }
        }

        return false;
    }
}
