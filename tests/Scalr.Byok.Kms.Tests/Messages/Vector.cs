using System.Text.Json.Serialization;

namespace Scalr.Byok.Kms.Tests.Messages;

/// <summary>What a manifest says of one message; the fields of the header are null where it has none that can be read.</summary>
internal sealed class Vector
{
    public required string Name { get; init; }

    public required string Expect { get; init; }

    public required string Usable { get; init; }

    public string? Requirement { get; init; }

    public required string Ciphertext { get; init; }

    [JsonPropertyName("data_key_hex")]
    public string? DataKey { get; init; }

    public int? PlaintextLength { get; init; }

    public string? PlaintextSha256 { get; init; }

    public string? Suite { get; init; }

    public string? Content { get; init; }

    public int? HeaderLength { get; init; }

    public uint? FrameLength { get; init; }

    public int? EdkCount { get; init; }

    public Dictionary<string, string>? HeaderEncryptionContext { get; init; }

    public Dictionary<string, string>? ReproducedEncryptionContext { get; init; }

    public List<VectorKey>? Edks { get; init; }

    public List<VectorUnwrap>? Unwrap { get; init; }

    public List<VectorCase>? KeyringCases { get; init; }

    [JsonIgnore]
    public byte[] Message { get; set; } = [];

    /// <summary>The pairs that the header's tag covers without the header holding them, which this library does not offer.</summary>
    public Dictionary<string, string> UnstoredContext =>
        (ReproducedEncryptionContext ?? []).Where(pair => HeaderEncryptionContext?.ContainsKey(pair.Key) != true).ToDictionary();

    /// <summary>
    /// The suite that the message's own first bytes name, if it is one that does not commit to its key; as AWS writes it.
    /// </summary>
    public string? LegacySuite => Message is not [0x01, 0x80, byte high, byte low, ..] ? null : (high, low) switch
    {
        (0x00, 0x14) => "0014 (ALG_AES_128_GCM_IV12_TAG16_NO_KDF)",
        (0x00, 0x46) => "0046 (ALG_AES_192_GCM_IV12_TAG16_NO_KDF)",
        (0x00, 0x78) => "0078 (ALG_AES_256_GCM_IV12_TAG16_NO_KDF)",
        (0x01, 0x14) => "0114 (ALG_AES_128_GCM_IV12_TAG16_HKDF_SHA256)",
        (0x01, 0x46) => "0146 (ALG_AES_192_GCM_IV12_TAG16_HKDF_SHA256)",
        (0x01, 0x78) => "0178 (ALG_AES_256_GCM_IV12_TAG16_HKDF_SHA256)",
        (0x02, 0x14) => "0214 (ALG_AES_128_GCM_IV12_TAG16_HKDF_SHA256_ECDSA_P256)",
        (0x03, 0x46) => "0346 (ALG_AES_192_GCM_IV12_TAG16_HKDF_SHA384_ECDSA_P384)",
        (0x03, 0x78) => "0378 (ALG_AES_256_GCM_IV12_TAG16_HKDF_SHA384_ECDSA_P384)",
        _ => null,
    };

    public override string ToString() => Name;
}

/// <summary>An encrypted data key in a manifest.</summary>
internal sealed class VectorKey
{
    public required string ProviderId { get; init; }

    [JsonPropertyName("provider_info_hex")]
    public required string ProviderInfo { get; init; }

    public string? ProviderInfoText { get; init; }

    public int? CiphertextLength { get; init; }
}

/// <summary>How one of a message's encrypted data keys is unwrapped; of AWS KMS if it has a blob.</summary>
internal sealed class VectorUnwrap
{
    public string? Key { get; init; }

    [JsonPropertyName("ciphertext_blob_hex")]
    public string? CiphertextBlob { get; init; }
}
