namespace Scalr.Byok.Kms;

/// <summary>Where a verification is.</summary>
/// <param name="Step">The step that ended, or that was just denied and will be tried again.</param>
/// <param name="Attempt">How many times it was tried so far: 1 or more; 0 if it was skipped.</param>
/// <param name="RetryIn">When it will be tried again; null if it has ended.</param>
public sealed record ByokVerificationProgress(ByokVerificationStep Step, int Attempt, TimeSpan? RetryIn);
