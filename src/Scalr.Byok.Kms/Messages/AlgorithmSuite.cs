namespace Scalr.Byok.Kms.Messages;

/// <summary>An algorithm suite of the format, by its number and its AWS name.</summary>
/// <param name="Id">The number in the header.</param>
/// <param name="Name">The name in AWS's SDKs.</param>
/// <param name="Signs">Whether a signature follows the body. False for suites that are not read.</param>
internal sealed record AlgorithmSuite(ushort Id, string Name, bool Signs = false)
{
    /// <summary>AES-256-GCM, HKDF-SHA512, key commitment: the only suite that is written.</summary>
    public static readonly AlgorithmSuite Committing = new(0x0478, "ALG_AES_256_GCM_HKDF_SHA512_COMMIT_KEY");

    /// <summary>
    /// <see cref="Committing"/> with an ECDSA P-384 signature over the whole message: AWS's default. Read, never written.
    /// </summary>
    public static readonly AlgorithmSuite CommittingSigned = new(0x0578, "ALG_AES_256_GCM_HKDF_SHA512_COMMIT_KEY_ECDSA_P384", Signs: true);

    // Without a commitment, an attacker can make one message that decrypts to two plaintexts under two keys. These suites are known only to
    // name them when they are rejected.
    private static readonly AlgorithmSuite[] Legacy =
    [
        new(0x0014, "ALG_AES_128_GCM_IV12_TAG16_NO_KDF"),
        new(0x0046, "ALG_AES_192_GCM_IV12_TAG16_NO_KDF"),
        new(0x0078, "ALG_AES_256_GCM_IV12_TAG16_NO_KDF"),
        new(0x0114, "ALG_AES_128_GCM_IV12_TAG16_HKDF_SHA256"),
        new(0x0146, "ALG_AES_192_GCM_IV12_TAG16_HKDF_SHA256"),
        new(0x0178, "ALG_AES_256_GCM_IV12_TAG16_HKDF_SHA256"),
        new(0x0214, "ALG_AES_128_GCM_IV12_TAG16_HKDF_SHA256_ECDSA_P256"),
        new(0x0346, "ALG_AES_192_GCM_IV12_TAG16_HKDF_SHA384_ECDSA_P384"),
        new(0x0378, "ALG_AES_256_GCM_IV12_TAG16_HKDF_SHA384_ECDSA_P384"),
    ];

    /// <summary>The suite with this number in a version 1 header, all of them legacy; null if it is unknown.</summary>
    public static AlgorithmSuite? FindLegacy(ushort id) => Array.Find(Legacy, suite => suite.Id == id);

    /// <summary>The suite with this number in a version 2 header; null if it is unknown.</summary>
    public static AlgorithmSuite? Find(ushort id) =>
        id == Committing.Id ? Committing
        : id == CommittingSigned.Id ? CommittingSigned
        : null;

    /// <summary>Four hexadecimal digits and the name.</summary>
    public override string ToString() => $"{Id:x4} ({Name})";
}
