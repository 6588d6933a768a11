namespace Scalr.Byok.Kms;

/// <summary>How a verification goes about it.</summary>
public sealed class ByokVerificationOptions
{
    /// <summary>
    /// How long denied steps are tried again in all: IAM can need minutes to spread a change that the customer has just made. Default zero: not at all.
    /// 1 hour at most.
    /// </summary>
    public TimeSpan WaitForPropagation { get; init; }

    /// <summary>Told of each step as it ends, and of each denied try before the next; null, as by default, for nobody.</summary>
    public IProgress<ByokVerificationProgress>? Progress { get; init; }
}
