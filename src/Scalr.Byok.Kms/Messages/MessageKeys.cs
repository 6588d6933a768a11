using System.Security.Cryptography;
using Scalr.Byok.Kms.DataKeys;

namespace Scalr.Byok.Kms.Messages;

/// <summary>
/// Derives the keys of one message from its data key by HKDF-SHA512: the key for its content, and the commitment to the data key. Both are
/// one block of HKDF, so the derivation is three HMACs with a shared extract step.
/// </summary>
internal static class MessageKeys
{
    public const int ContentKeyLength = 32;

    // The info of HKDF and its block counter, 1. The content key's info starts with the suite, 04 78 or 05 78. The commitment's does not.
    private static ReadOnlySpan<byte> ContentKeyInfo => "\u0004\u0078DERIVEKEY\u0001"u8;

    private static ReadOnlySpan<byte> SignedContentKeyInfo => "\u0005\u0078DERIVEKEY\u0001"u8;

    private static ReadOnlySpan<byte> CommitmentInfo => "COMMITKEY\u0001"u8;

    /// <summary>Derives the content key of a received message; false if the message does not commit to this data key.</summary>
    /// <remarks>
    /// Called before any tag is checked: an attacker can make tags that are valid under several keys, but not commitments.
    /// </remarks>
    /// <inheritdoc cref="Derive"/>
    public static bool TryDerive(MessageHeader header, DataKey dataKey, Span<byte> contentKey)
    {
        Span<byte> commitment = stackalloc byte[MessageFormat.CommitmentLength];
        Derive(header.Suite, dataKey, header.MessageId.Span, contentKey, commitment);

        // In constant time: the sender chose the commitment in the header, and must not learn how much of it is right.
        return CryptographicOperations.FixedTimeEquals(commitment, header.Commitment.Span);
    }

    /// <summary>Derives both keys. The caller erases the content key.</summary>
    /// <exception cref="ObjectDisposedException">The data key is erased.</exception>
    public static void Derive(
        AlgorithmSuite suite, DataKey dataKey, ReadOnlySpan<byte> messageId, Span<byte> contentKey, Span<byte> commitment)
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
