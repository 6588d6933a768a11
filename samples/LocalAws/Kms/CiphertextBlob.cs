using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using LocalAws.Wire;

namespace LocalAws.Kms;

/// <summary>
/// What Encrypt returns. The layout is private to LocalAws, as AWS's is to AWS:
/// <code>
/// offset  length  field
///      0       1  layout, 1
///      1      36  key id, ASCII
///     37      12  nonce
///     49       8  check of the bytes before, to distinguish damage from an unknown key
///     57       n  ciphertext, as long as the plaintext
///   57+n      16  tag of AES-256-GCM over the ciphertext; associated data: the header and the encryption context
/// </code>
/// </summary>
internal static class CiphertextBlob
{
    private const byte Layout = 1;
    private const int KeyIdLength = 36;
    private const int NonceOffset = 1 + KeyIdLength;
    private const int CheckOffset = NonceOffset + NonceLength;
    private const int HeaderLength = CheckOffset + CheckLength;
    private const int NonceLength = 12;
    private const int CheckLength = 8;
    private const int TagLength = 16;

    private static readonly byte[] CheckKey = RandomNumberGenerator.GetBytes(32);

    public static byte[] Seal(KeyFamily family, ReadOnlySpan<byte> plaintext, IReadOnlyDictionary<string, string> context)
    {
        var blob = new byte[HeaderLength + plaintext.Length + TagLength];
        var header = blob.AsSpan(0, HeaderLength);
        header[0] = Layout;
        Encoding.ASCII.GetBytes(family.KeyId, header[1..]);
        RandomNumberGenerator.Fill(header.Slice(NonceOffset, NonceLength));
        Check(header[..CheckOffset]).CopyTo(header[CheckOffset..]);

        using var aes = new AesGcm(family.Material, TagLength);
        aes.Encrypt(
            header.Slice(NonceOffset, NonceLength),
            plaintext,
            blob.AsSpan(HeaderLength, plaintext.Length),
            blob.AsSpan(HeaderLength + plaintext.Length),
            AssociatedData(header, context));
        return blob;
    }

    /// <exception cref="AwsException">InvalidCiphertextException: not a ciphertext of LocalAws, or a damaged one.</exception>
    public static string KeyIdOf(ReadOnlySpan<byte> blob)
    {
        var intact = blob.Length >= HeaderLength + TagLength
            && blob[0] == Layout
            && CryptographicOperations.FixedTimeEquals(Check(blob[..CheckOffset]), blob[CheckOffset..HeaderLength]);
        return intact ? Encoding.ASCII.GetString(blob.Slice(1, KeyIdLength)) : throw Invalid();
    }

    /// <exception cref="AwsException">InvalidCiphertextException: damaged, or sealed with another encryption context.</exception>
    public static byte[] Open(KeyFamily family, ReadOnlySpan<byte> blob, IReadOnlyDictionary<string, string> context)
    {
        var plaintext = new byte[blob.Length - HeaderLength - TagLength];
        var header = blob[..HeaderLength];
        using var aes = new AesGcm(family.Material, TagLength);
        try
        {
            aes.Decrypt(
                header.Slice(NonceOffset, NonceLength),
                blob[HeaderLength..^TagLength],
                blob[^TagLength..],
                plaintext,
                AssociatedData(header, context));
            return plaintext;
        }
        catch (AuthenticationTagMismatchException)
        {
            throw Invalid();
        }
    }

    /// <summary>AWS, too, sends no message with it.</summary>
    private static AwsException Invalid() => new("InvalidCiphertextException");

    private static ReadOnlySpan<byte> Check(ReadOnlySpan<byte> header) => HMACSHA256.HashData(CheckKey, header).AsSpan(0, CheckLength);

    /// <summary>Pairs in ordinal order, every text behind its length: two different contexts never give the same bytes.</summary>
    private static byte[] AssociatedData(ReadOnlySpan<byte> header, IReadOnlyDictionary<string, string> context)
    {
        using var data = new MemoryStream();
        data.Write(header);
        Span<byte> length = stackalloc byte[4];
        foreach (var text in context.OrderBy(pair => pair.Key, StringComparer.Ordinal).SelectMany(pair => new[] { pair.Key, pair.Value }))
        {
            var bytes = Encoding.UTF8.GetBytes(text);
            BinaryPrimitives.WriteInt32BigEndian(length, bytes.Length);
            data.Write(length);
            data.Write(bytes);
        }

        return data.ToArray();
    }
}
