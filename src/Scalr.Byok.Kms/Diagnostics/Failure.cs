using Scalr.Byok.Kms.Errors;

namespace Scalr.Byok.Kms.Diagnostics;

/// <summary>The facts about an exception for metrics and activities. Never has its text.</summary>
/// <param name="Outcome">An <see cref="AttemptOutcome"/>.</param>
/// <param name="Type">The reason, the error code of AWS if the library knows it, or the exception's type.</param>
/// <param name="RequestId">The AWS request id, if there is one.</param>
internal readonly record struct Failure(string Outcome, string Type, string? RequestId)
{
    public static Failure Of(Exception error) => error switch
    {
        ByokKeyUnavailableException e => new(AttemptOutcome.Denied, e.Reason.ToString(), e.RequestId),
        ByokServiceException e => new(OutcomeOf(e.FailureKind), e.Code ?? (e.InnerException ?? e).GetType().Name, e.RequestId),
        OperationCanceledException => new(AttemptOutcome.Cancelled, nameof(OperationCanceledException), RequestId: null),
        _ => new(AttemptOutcome.Other, error.GetType().Name, RequestId: null),
    };

    private static string OutcomeOf(ServiceFailureKind trouble) => trouble switch
    {
        ServiceFailureKind.Outage => AttemptOutcome.Outage,
        ServiceFailureKind.Throttled => AttemptOutcome.Throttled,
        _ => AttemptOutcome.Other,
    };
}
