namespace Scalr.Byok.Kms.Tests.KeyUse;

/// <summary>How AWS answered a request, in the terms of the model.</summary>
internal enum ModelAnswer
{
    Accepted,
    KeyDenied,
    AccessDenied,
    Rejected,
    Outage,
    Throttled,
}

/// <summary>One request that AWS received.</summary>
/// <param name="Number">Its place in the order of all requests.</param>
/// <param name="Action">The operation: Encrypt, Decrypt, DescribeKey or AssumeRole.</param>
/// <param name="Key">The wrapping key: 0 is the current one, 1 the previous one.</param>
/// <param name="Region">0 is the primary Region, 1 the replica's.</param>
/// <param name="Origin">The data key that was accepted; null for none.</param>
/// <param name="Sent">When the request was sent, by the host's clocks.</param>
/// <param name="Answer">The answer.</param>
internal sealed record ModelRequest(
    int Number, string Action, int Key, int Region, ModelOrigin? Origin, ModelClock.Moment Sent, ModelAnswer Answer);

/// <summary>A data key that AWS KMS has encrypted or decrypted.</summary>
/// <param name="Id">What its ciphertext holds.</param>
/// <param name="Key">The wrapping key.</param>
/// <param name="Context">The encryption context, as text.</param>
internal sealed record ModelOrigin(Guid Id, int Key, string Context)
{
    /// <summary>The plaintext under a mask, so that the test's own copy is not found in memory.</summary>
    public required byte[] Masked { get; init; }
}

/// <summary>What a Region of AWS KMS does with a key.</summary>
internal enum KmsState
{
    Works,
    Disabled,
    DeniesEncrypt,
    DeniesDecrypt,
    DeniesBoth,
    Outage,
    Throttles,
}

/// <summary>What AWS STS does with a role.</summary>
internal enum StsState
{
    Works,
    Denies,
    Outage,
    Throttles,
}
