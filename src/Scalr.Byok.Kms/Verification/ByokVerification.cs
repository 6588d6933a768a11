namespace Scalr.Byok.Kms;

/// <summary>The result of a verification ("Test connection").</summary>
public sealed class ByokVerification
{
    /// <summary>The steps, in order. Steps that were not tried have the outcome <see cref="ByokVerificationOutcome.Skipped"/>.</summary>
    public required IReadOnlyList<ByokVerificationStep> Steps { get; init; }

    /// <summary>The health of the key, as kms:DescribeKey reports it; null if it was not queried.</summary>
    public ByokKeyHealth? KeyHealth { get; init; }

    /// <summary>The duration of the verification.</summary>
    public TimeSpan Duration { get; init; }

    /// <summary>
    /// Whether no step failed, so that the settings can be saved. There may be warnings. A step without a known outcome counts as failed.
    /// </summary>
    public bool Succeeded => Steps.All(step => step.Outcome is not (ByokVerificationOutcome.Failed or ByokVerificationOutcome.Unknown));

    /// <summary>The steps, one per line, without policies.</summary>
    public override string ToString() => string.Join(Environment.NewLine, Steps);
}
