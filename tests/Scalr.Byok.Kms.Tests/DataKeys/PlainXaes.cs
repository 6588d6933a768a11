using System.Security.Cryptography;
using System.Text;

namespace Scalr.Byok.Kms.Tests.DataKeys;

/// <summary>
/// XAES-256-GCM and the format of a value, written from the specifications alone: one nonce, one derived key, one cipher. It reads and
/// writes values as the library did before it wrote them in series.
/// </summary>
internal static class PlainXaes
{
    private const int BlockLength = 16;
    private const int HeadLength = 8;
    private const int NonceLength = 24;

    /// <summary>The key that C2SP derives for a nonce: AES-CMAC (NIST SP 800-38B) of two blocks.</summary>
    public static byte[] DeriveKey(byte[] key, ReadOnlySpan<byte> nonce) =>
        [.. Mac(key, [0, 1, (byte)'X', 0, .. nonce[..12]]), .. Mac(key, [0, 2, (byte)'X', 0, .. nonce[..12]])];

    /// <summary>Ciphertext and tag.</summary>
    public static byte[] Seal(byte[] key, ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> plaintext, ReadOnlySpan<byte> associatedData)
    {
        var sealedBytes = new byte[plaintext.Length + BlockLength];
        using AesGcm aes = new(DeriveKey(key, nonce), BlockLength);
        aes.Encrypt(nonce[12..], plaintext, sealedBytes.AsSpan(..^BlockLength), sealedBytes.AsSpan(^BlockLength..), associatedData);
        return sealedBytes;
    }

    /// <summary>The plaintext; throws if it is not authentic.</summary>
    public static byte[] Open(byte[] key, ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> sealedBytes, ReadOnlySpan<byte> associatedData)
    {
        var plaintext = new byte[sealedBytes.Length - BlockLength];
        using AesGcm aes = new(DeriveKey(key, nonce), BlockLength);
        aes.Decrypt(nonce[12..], sealedBytes[..^BlockLength], sealedBytes[^BlockLength..], plaintext, associatedData);
        return plaintext;
    }

    /// <summary>The key of XAES-256-GCM for the values of a data key (ARCHITECTURE.md, "The value").</summary>
    public static byte[] ValueKey(byte[] dataKey, string tenant) => Expand(dataKey, "Scalr.Byok.Kms value key 1", tenant, 32);

    /// <summary>A value under a data key.</summary>
    public static byte[] SealValue(
        byte[] dataKey, string tenant, ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> value, ReadOnlySpan<byte> associatedData)
    {
        var head = Head(dataKey, tenant);
        return [.. head, .. nonce, .. Seal(ValueKey(dataKey, tenant), nonce, value, [.. head, .. associatedData])];
    }

    /// <summary>The plaintext of a value; throws if it is not authentic.</summary>
    public static byte[] OpenValue(byte[] dataKey, string tenant, ReadOnlySpan<byte> encrypted, ReadOnlySpan<byte> associatedData) => Open(
        ValueKey(dataKey, tenant),
        encrypted.Slice(HeadLength, NonceLength),
        encrypted[(HeadLength + NonceLength)..],
        [.. Head(dataKey, tenant), .. associatedData]);

    private static byte[] Head(byte[] dataKey, string tenant) => [1, .. Expand(dataKey, "Scalr.Byok.Kms key id 1", tenant, 7)];

    private static byte[] Expand(byte[] dataKey, string label, string tenant, int length)
    {
        var name = Encoding.UTF8.GetBytes(tenant);
        return HKDF.DeriveKey(
            HashAlgorithmName.SHA512,
            dataKey,
            length,
            info: [.. Encoding.ASCII.GetBytes(label), (byte)(name.Length >> 8), (byte)name.Length, .. name]);
    }

    private static byte[] Mac(byte[] key, byte[] block)
    {
        using var aes = Aes.Create();
        aes.Key = key;
        var doubled = aes.EncryptEcb(new byte[BlockLength], PaddingMode.None);
        var overflow = doubled[0] >= 0x80;
        for (var i = 0; i < BlockLength; i++)
        {
            doubled[i] = (byte)(((doubled[i] << 1) & 0xff) | (i + 1 < BlockLength ? doubled[i + 1] >> 7 : 0));
        }

        doubled[^1] ^= overflow ? (byte)0x87 : (byte)0;
        return aes.EncryptEcb([.. block.Select((b, i) => (byte)(b ^ doubled[i]))], PaddingMode.None);
    }
}
