using Scalr.Byok.Kms.DataKeys;

namespace Scalr.Byok.Kms;

/// <summary>Creates objects of this library for tests of hosts that mock <see cref="IByokKeyRing"/>. Not for production.</summary>
public static class ByokModelFactory
{
    /// <summary>Creates a data key without AWS. <b>It protects nothing:</b> its encrypted form contains the plaintext key.</summary>
    /// <param name="encryptedKey">
    /// The <see cref="ByokDataKey.EncryptedKey"/> of a data key of this factory, to open that data key again. Default: empty (a new data
    /// key).
    /// </param>
    /// <returns>A data key that works until it is disposed. Denials and missing confirmations do not end it.</returns>
    /// <exception cref="ArgumentException">
    /// <paramref name="encryptedKey"/> is not the encrypted form of a data key of this factory.
    /// </exception>
    public static ByokDataKey DataKey(ReadOnlySpan<byte> encryptedKey = default) => TestingKey.Create(encryptedKey);
}
