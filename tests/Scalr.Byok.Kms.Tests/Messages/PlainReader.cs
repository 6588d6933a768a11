using System.Security.Cryptography;
using System.Text;

namespace Scalr.Byok.Kms.Tests.Messages;

/// <summary>
/// A second reader of the format that shares no code with the library's: takes field after field, trusts every length, and derives
/// keys with the platform's HKDF. Good for checking what the library writes, for nothing else.
/// </summary>
internal sealed class PlainReader(byte[] message)
{
    private int _position;

    public int Position => _position;

    public bool AtEnd => _position == message.Length;

    public byte[] Take(int count)
    {
        var taken = message[_position..(_position + count)];
        _position += count;
        return taken;
    }

    public string TakeHex(int count) => Convert.ToHexStringLower(Take(count));

    public string TakeText(int count) => Encoding.UTF8.GetString(Take(count));

    public long TakeNumber(int bytes) => Take(bytes).Aggregate(0L, (number, next) => (number * 256) + next);

    public static byte[] ContentKey(byte[] dataKey, byte[] messageId, byte[]? suite = null) =>
        Derive(dataKey, messageId, [.. suite ?? [0x04, 0x78], .. Encoding.ASCII.GetBytes("DERIVEKEY")]);

    public static byte[] Commitment(byte[] dataKey, byte[] messageId) => Derive(dataKey, messageId, Encoding.ASCII.GetBytes("COMMITKEY"));

    public static byte[] FrameData(byte[] messageId, string kind, uint sequence, ulong length) =>
        [.. messageId, .. Encoding.ASCII.GetBytes("AWSKMSEncryptionClient " + kind), .. Number(sequence, 4), .. Number(length, 8)];

    public static byte[] Open(byte[] contentKey, byte[] iv, byte[] content, byte[] tag, byte[] associatedData)
    {
        using AesGcm aes = new(contentKey, 16);
        var plaintext = new byte[content.Length];
        aes.Decrypt(iv, content, tag, plaintext, associatedData);
        return plaintext;
    }

    private static byte[] Derive(byte[] dataKey, byte[] messageId, byte[] info) =>
        HKDF.DeriveKey(HashAlgorithmName.SHA512, dataKey, 32, messageId, info);

    private static IEnumerable<byte> Number(ulong value, int bytes)
    {
        for (var shift = 8 * (bytes - 1); shift >= 0; shift -= 8)
        {
            yield return unchecked((byte)(value >> shift));
        }
    }
}
