using Scalr.Byok.Kms.Errors;

namespace Scalr.Byok.Kms.Diagnostics;

/// <summary>What metrics and activities tell of an exception of ours: never its text.</summary>
/// <param name="Outcome">An <see cref="AttemptOutcome"/>.</param>
/// <param name="Type">The reason, AWS's error code if it is one of those that the library knows, or the exception's type.</param>
/// <param name="RequestId">The AWS request id, if there is one.</param>
internal readonly record struct Failure(string Outcome, string Type, string? RequestId)
{
    public static Failure Of(Exception error) => error switch
    {
        ByokKeyUnavailableException e => new(AttemptOutcome.Refused, e.Reason.ToString(), e.RequestId),
        ByokServiceException e => new(OutcomeOf(e.Trouble), e.Code ?? (e.InnerException ?? e).GetType().Name, e.RequestId),
        OperationCanceledException => new(AttemptOutcome.Cancelled, nameof(OperationCanceledException), RequestId: null),
        _ => new(AttemptOutcome.Other, error.GetType().Name, RequestId: null),
    };

    private static string OutcomeOf(ServiceTrouble trouble) => trouble switch
    {
        ServiceTrouble.Outage => AttemptOutcome.Outage,
        ServiceTrouble.Throttled => AttemptOutcome.Throttled,
        _ => AttemptOutcome.Other,
    };
}
