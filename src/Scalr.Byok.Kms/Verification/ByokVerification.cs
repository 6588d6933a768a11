namespace Scalr.Byok.Kms;

/// <summary>What came of a verification: what to show below the button "Test connection".</summary>
public sealed class ByokVerification
{
    /// <summary>The steps, in order; those that were not tried are there as <see cref="ByokVerificationOutcome.Skipped"/>.</summary>
    public required IReadOnlyList<ByokVerificationStep> Steps { get; init; }

    /// <summary>How the key is, as kms:DescribeKey tells; null if it was not asked.</summary>
    public KeyHealth? KeyHealth { get; init; }

    /// <summary>How long it took.</summary>
    public TimeSpan Duration { get; init; }

    /// <summary>Whether no step failed: the settings can be saved. There may be warnings.</summary>
    public bool Succeeded => Steps.All(step => step.Outcome != ByokVerificationOutcome.Failed);

    /// <summary>The steps, one in a line; no policy.</summary>
    public override string ToString() => string.Join(Environment.NewLine, Steps);
}
