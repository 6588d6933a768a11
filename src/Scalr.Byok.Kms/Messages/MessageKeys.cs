using System.Security.Cryptography;
using Scalr.Byok.Kms.DataKeys;

namespace Scalr.Byok.Kms.Messages;

/// <summary>
/// What one message derives from its data key by HKDF-SHA512: the key its content is encrypted with, and the commitment that pins
/// the data key. Both are one block of HKDF, so the whole of it is three HMACs that share their extract.
/// </summary>
internal static class MessageKeys
{
    public const int ContentKeyLength = 32;

    // HKDF's info and its block counter, 1. The content key's info begins with the suite, 04 78 or 05 78; the commitment's does not.
    private static ReadOnlySpan<byte> ContentKeyInfo => "\u0004\u0078DERIVEKEY\u0001"u8;

    private static ReadOnlySpan<byte> SignedContentKeyInfo => "\u0005\u0078DERIVEKEY\u0001"u8;

    private static ReadOnlySpan<byte> CommitmentInfo => "COMMITKEY\u0001"u8;

    /// <summary>Derives the content key of a message that is there; false if the message is not committed to this data key.</summary>
    /// <remarks>Comes first of all: only the committed data key may go on to tags, which other keys can be made to satisfy.</remarks>
    /// <inheritdoc cref="Derive"/>
    public static bool TryDerive(MessageHeader header, DataKey dataKey, Span<byte> contentKey)
    {
        Span<byte> commitment = stackalloc byte[MessageFormat.CommitmentLength];
        Derive(header.Suite, dataKey, header.MessageId.Span, contentKey, commitment);
        return CryptographicOperations.FixedTimeEquals(commitment, header.Commitment.Span);
    }

    /// <summary>Derives both. The caller erases the content key.</summary>
    /// <exception cref="ObjectDisposedException">The data key is erased.</exception>
    public static void Derive(AlgorithmSuite suite, DataKey dataKey, ReadOnlySpan<byte> messageId, Span<byte> contentKey, Span<byte> commitment)
    {
        Span<byte> extracted = stackalloc byte[HMACSHA512.HashSizeInBytes];
        Span<byte> expanded = stackalloc byte[HMACSHA512.HashSizeInBytes];
        try
        {
            dataKey.Extract(salt: messageId, extracted);

            HMACSHA512.HashData(key: extracted, source: CommitmentInfo, expanded);
            expanded[..MessageFormat.CommitmentLength].CopyTo(commitment);

            HMACSHA512.HashData(key: extracted, source: suite.Signs ? SignedContentKeyInfo : ContentKeyInfo, expanded);
            expanded[..ContentKeyLength].CopyTo(contentKey);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(extracted);
            CryptographicOperations.ZeroMemory(expanded);
        }
    }
}
