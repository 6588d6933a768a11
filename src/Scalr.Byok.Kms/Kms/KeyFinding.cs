namespace Scalr.Byok.Kms;

/// <summary>One problem or fact that a probe of a customer's key has found, and what to do about it. It holds no secret.</summary>
/// <param name="Code">Stable, for programs: one of <see cref="KeyFindingCode"/>, or the name of a <see cref="ByokKeyUnavailableReason"/>.</param>
/// <param name="Severity">How bad it is.</param>
/// <param name="Owner">Whose move it is.</param>
/// <param name="Message">What was found, in one sentence. It may name the key.</param>
/// <param name="Remedy">What <paramref name="Owner"/> can do about it, in one sentence.</param>
public sealed record KeyFinding(string Code, KeyFindingSeverity Severity, KeyFindingOwner Owner, string Message, string Remedy);
