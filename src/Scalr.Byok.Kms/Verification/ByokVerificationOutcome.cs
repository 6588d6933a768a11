namespace Scalr.Byok.Kms;

/// <summary>How a step of a verification ended.</summary>
public enum ByokVerificationOutcome
{
    /// <summary>All is well.</summary>
    Passed,

    /// <summary>It works, but should be mended.</summary>
    Warning,

    /// <summary>It does not work.</summary>
    Failed,

    /// <summary>It was not tried, because an earlier step failed or because it cannot be tried here.</summary>
    Skipped,
}
