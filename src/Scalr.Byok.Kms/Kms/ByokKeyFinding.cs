namespace Scalr.Byok.Kms;

/// <summary>One problem or fact that a probe of a customer's key found, and what to do about it. Contains no secret.</summary>
/// <param name="Code">
/// A stable code for programs: one of <see cref="ByokKeyFindingCode"/>, or the name of a <see cref="ByokKeyUnavailableReason"/>.
/// </param>
/// <param name="Severity">The severity.</param>
/// <param name="Owner">Who has to act.</param>
/// <param name="Message">What was found, in one sentence. May contain the key ARN.</param>
/// <param name="Remedy">What <paramref name="Owner"/> can do about it, in one or two sentences.</param>
public sealed record ByokKeyFinding(string Code, ByokKeyFindingSeverity Severity, ByokKeyFindingOwner Owner, string Message, string Remedy);
