namespace Scalr.Byok.Kms;

/// <summary>Options of a verification ("Test connection").</summary>
public sealed class ByokVerificationOptions
{
    /// <summary>
    /// How long denied steps are tried again in all: IAM can need minutes to spread a change that the customer has just made. Default zero: not at all.
    /// 1 hour at most.
    /// </summary>
    public TimeSpan WaitForPropagation { get; init; }

    /// <summary>The tenant whose key ring will use the settings. Its pair, <c>scalr:tenant</c>, is then tried as well. Default: null (no tenant).</summary>
    public string? Tenant { get; init; }

    /// <summary>The encryption context of the kms:Encrypt and kms:Decrypt requests. Default: null (no pairs, or the tenant's alone).</summary>
    /// <remarks>
    /// If the customer's policies have kms:EncryptionContext conditions, give pairs that your calls will have. For data keys
    /// (<see cref="IByokKeyRing.CreateDataKeyAsync"/>), these include <c>scalr:purpose</c> = <c>data-key</c>. AWS CloudTrail records the pairs; no step's
    /// message contains a value.
    /// </remarks>
    public IReadOnlyDictionary<string, string>? EncryptionContext { get; init; }

    /// <summary>Receives each step as it ends, and each denied attempt before the next. Default: null (no progress reports).</summary>
    public IProgress<ByokVerificationProgress>? Progress { get; init; }
}
