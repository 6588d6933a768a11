using System.Security.Cryptography;
using Scalr.Byok.Kms.Tests.Messages;
using Scalr.Byok.Kms.Tests.World;

namespace Scalr.Byok.Kms.Tests.Faults;

/// <summary>Messages that an attacker makes from a good one. The header's tag no longer fits.</summary>
internal static class Forged
{
    /// <summary>An ARN of a key that belongs to no customer of the tests.</summary>
    public const string ForeignArn = "arn:aws:kms:us-east-1:999988887777:key/0f1e2d3c-4b5a-4978-8695-a4b3c2d1e0f9";

    /// <summary>
    /// A good message under the new key for a member of the ring to read: a data key for <c>OpenDataKeyAsync</c>, a message for the others.
    /// </summary>
    public static async Task<byte[]> SourceAsync(KeyChange change, string member)
    {
        if (member != nameof(IByokKeyRing.OpenDataKeyAsync))
        {
            return await change.EncryptAsync(change.New, new byte[32]);
        }

        using var key = await change.New.CreateDataKeyAsync();
        change.World.Aws.Log.Clear();
        return key.EncryptedKey.ToArray();
    }

    /// <summary>The message with other encrypted data keys.</summary>
    public static byte[] WithKeys(byte[] message, Func<PlainKey, IEnumerable<PlainKey>> keys)
    {
        var header = PlainHeader.Read(message);
        return Join(header with { Keys = [.. keys(header.Keys[0])] }, message[header.Length..]);
    }

    /// <summary>The message with another encryption context.</summary>
    public static byte[] WithContext(byte[] message, params (string Key, string Value)[] pairs)
    {
        var header = PlainHeader.Read(message);
        return Join(header with { Context = PlainHeader.WriteContext(pairs) }, message[header.Length..]);
    }

    /// <summary>An encrypted data key with random content.</summary>
    public static PlainKey Key(string arn, int length = 100) => new("aws-kms", arn, RandomNumberGenerator.GetBytes(length));

    private static byte[] Join(PlainHeader header, byte[] body) => [.. header.Authenticated, .. header.Tag, .. body];
}
