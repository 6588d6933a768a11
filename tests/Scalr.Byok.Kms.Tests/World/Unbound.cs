using System.Text;

namespace Scalr.Byok.Kms.Tests.World;

/// <summary>Values without a place, for tests that are about something else.</summary>
internal static class Unbound
{
    public static byte[] Encrypt(this ByokDataKey key, ReadOnlySpan<byte> value) => key.Encrypt(value, ByokAssociatedData.None);

    public static byte[] Encrypt(this ByokDataKey key, string value) => key.Encrypt(Encoding.UTF8.GetBytes(value));

    public static byte[] EncryptText(this ByokDataKey key, string text) => key.EncryptText(text, ByokAssociatedData.None);

    public static byte[] Decrypt(this ByokDataKey key, ReadOnlySpan<byte> encrypted) => key.Decrypt(encrypted, ByokAssociatedData.None);

    public static byte[] Decrypt(this ByokDataKeySet keys, ReadOnlySpan<byte> encrypted) =>
        keys.Decrypt(encrypted, ByokAssociatedData.None);

    public static string DecryptText(this ByokDataKey key, ReadOnlySpan<byte> encrypted) =>
        key.DecryptText(encrypted, ByokAssociatedData.None);
}
