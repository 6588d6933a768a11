using LocalAws.Wire;

namespace LocalAws.Kms;

/// <summary>What a key is and always stays: its specification, usage, origin, and whether it is a multi-Region key.</summary>
internal sealed record KeyKind
{
    /// <exception cref="AwsException">The parts do not fit each other.</exception>
    public KeyKind(string spec, string usage, string origin, bool multiRegion)
    {
        Spec = spec;
        Usage = usage;
        Origin = origin;
        MultiRegion = multiRegion;
        Algorithms = AlgorithmsOf(spec, usage)
            ?? throw new AwsException("ValidationException", $"A key of specification '{spec}' cannot have the usage '{usage}'.");
        if (origin is not ("AWS_KMS" or "EXTERNAL" or "AWS_CLOUDHSM" or "EXTERNAL_KEY_STORE"))
        {
            throw new AwsException("ValidationException", $"'{origin}' is not an origin of keys.");
        }

        if (IsInCustomKeyStore && (multiRegion || !IsSymmetric))
        {
            throw new AwsException("UnsupportedOperationException", "A custom key store holds symmetric single-Region keys only.");
        }
    }

    public string Spec { get; }

    public string Usage { get; }

    public string Origin { get; }

    public bool MultiRegion { get; }

    public string[] Algorithms { get; }

    public bool IsSymmetric => Spec == "SYMMETRIC_DEFAULT";

    public bool IsImported => Origin == "EXTERNAL";

    public bool IsInCustomKeyStore => Origin is "AWS_CLOUDHSM" or "EXTERNAL_KEY_STORE";

    private static string[]? AlgorithmsOf(string spec, string usage) => (spec, usage) switch
    {
        ("SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT") => ["SYMMETRIC_DEFAULT"],
        ("RSA_2048" or "RSA_3072" or "RSA_4096", "ENCRYPT_DECRYPT") => ["RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256"],
        ("RSA_2048" or "RSA_3072" or "RSA_4096", "SIGN_VERIFY") =>
        [
            "RSASSA_PKCS1_V1_5_SHA_256", "RSASSA_PKCS1_V1_5_SHA_384", "RSASSA_PKCS1_V1_5_SHA_512",
            "RSASSA_PSS_SHA_256", "RSASSA_PSS_SHA_384", "RSASSA_PSS_SHA_512",
        ],
        ("ECC_NIST_P256" or "ECC_SECG_P256K1", "SIGN_VERIFY") => ["ECDSA_SHA_256"],
        ("ECC_NIST_P384", "SIGN_VERIFY") => ["ECDSA_SHA_384"],
        ("ECC_NIST_P521", "SIGN_VERIFY") => ["ECDSA_SHA_512"],
        ("ECC_NIST_P256" or "ECC_NIST_P384" or "ECC_NIST_P521", "KEY_AGREEMENT") => ["ECDH"],
        ("HMAC_224" or "HMAC_256" or "HMAC_384" or "HMAC_512", "GENERATE_VERIFY_MAC") =>
            [spec.Replace("_", "_SHA_", StringComparison.Ordinal)],
        _ => null,
    };
}
