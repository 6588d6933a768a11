namespace Scalr.Byok.Kms;

/// <summary>The options of a verification ("Test connection").</summary>
public sealed class ByokVerificationOptions
{
    /// <summary>
    /// The total time for which denied steps are tried again: zero to 1 hour. Default: zero (no retries). IAM can take minutes to apply a
    /// change.
    /// </summary>
    public TimeSpan WaitForPropagation { get; init; }

    /// <summary>
    /// The encryption context of the kms:Encrypt and kms:Decrypt requests, without the tenant's pair. Default: null (no pairs, or only the
    /// tenant's).
    /// </summary>
    /// <remarks>
    /// If the customer's policies have kms:EncryptionContext conditions, pass pairs that your calls will have. Names must not start with
    /// <c>scalr:</c>. AWS CloudTrail records the pairs. No message of a step contains a value.
    /// </remarks>
    public IReadOnlyDictionary<string, string>? EncryptionContext { get; init; }

    /// <summary>
    /// Whether to try the pair that data keys add (<see cref="IByokKeyRing.CreateDataKeyAsync"/>): <c>scalr:purpose</c> = <c>data-key</c>.
    /// Default: false.
    /// </summary>
    public bool ForDataKeys { get; init; }

    /// <summary>Receives each completed step, and each denied attempt before its retry. Default: null (no progress reports).</summary>
    public IProgress<ByokVerificationProgress>? Progress { get; init; }
}
