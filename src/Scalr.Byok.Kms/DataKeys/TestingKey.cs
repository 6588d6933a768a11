namespace Scalr.Byok.Kms.DataKeys;

/// <summary>Data keys for tests of hosts. Their encrypted form is a warning text and the plaintext key.</summary>
internal static class TestingKey
{
    private static ReadOnlySpan<byte> Warning => "for testing, not encrypted: "u8;

    public static ByokDataKey Create(ReadOnlySpan<byte> encryptedKey)
    {
        using var secret = encryptedKey.IsEmpty ? DataKey.Generate() : Open(encryptedKey);
        var encrypted = new byte[Warning.Length + DataKey.Length];
        Warning.CopyTo(encrypted);
        secret.CopyTo(encrypted.AsSpan(Warning.Length));
        return new ByokDataKey(encrypted, ValueCipher.Derive(secret, tenant: default), open: null);
    }

    private static DataKey Open(ReadOnlySpan<byte> encryptedKey) =>
        encryptedKey.StartsWith(Warning) && encryptedKey.Length == Warning.Length + DataKey.Length
            ? DataKey.CopyFrom(encryptedKey[Warning.Length..])
            : throw new ArgumentException("This is not the encrypted form of a data key for testing.", nameof(encryptedKey));
}
