namespace Scalr.Byok.Kms;

/// <summary>The progress of a verification.</summary>
/// <param name="Step">The completed step, or the denied step that will be tried again.</param>
/// <param name="Attempt">The number of attempts so far: 1 or more; 0 for a skipped step.</param>
/// <param name="RetryIn">The time until the next attempt; null for a completed step.</param>
public sealed record ByokVerificationProgress(ByokVerificationStep Step, int Attempt, TimeSpan? RetryIn);
