using System.Diagnostics;

namespace Scalr.Byok.Kms.Diagnostics;

/// <summary>Measures and traces one request to AWS, from sending to its outcome. Only the first end counts.</summary>
internal sealed class AwsAttempt
{
    private readonly string _operation;
    private readonly string _region;
    private readonly TimeProvider _time;
    private readonly long _begun;
    private readonly Activity? _activity;
    private int _ended;

    private AwsAttempt(string operation, string region, TimeProvider time, Activity? activity)
    {
        _operation = operation;
        _region = region;
        _time = time;
        _begun = time.GetTimestamp();
        _activity = activity;
        activity?.SetTag("rpc.system", "aws-api")
            .SetTag("rpc.service", operation.StartsWith("kms:", StringComparison.Ordinal) ? "KMS" : "STS")
            .SetTag("rpc.method", operation[(operation.IndexOf(':', StringComparison.Ordinal) + 1)..])
            .SetTag(Instruments.RegionAttribute, region);
    }

    /// <summary>Starts a measurement; null if there is no listener.</summary>
    /// <param name="operation">An <see cref="AwsAction"/>.</param>
    /// <param name="region">The Region of the request.</param>
    /// <param name="time">The clock.</param>
    public static AwsAttempt? Begin(string operation, string region, TimeProvider time) =>
        IsObserved ? new AwsAttempt(operation, region, time, Activities.Source.StartActivity(operation, ActivityKind.Client)) : null;

    /// <summary>As <see cref="Begin"/>, for a request that several callers share.</summary>
    public static AwsAttempt? BeginShared(string operation, string region, TimeProvider time, ActivityContext caller) =>
        IsObserved ? new AwsAttempt(operation, region, time, Activities.StartShared(operation, caller, ActivityKind.Client)) : null;

    /// <summary>Starts a measurement of a request that will not be sent. It is counted, but has no activity.</summary>
    public static AwsAttempt? BeginUnsent(string operation, string region, TimeProvider time) =>
        Instruments.MeasuresAttempts ? new AwsAttempt(operation, region, time, activity: null) : null;

    private static bool IsObserved => Instruments.MeasuresAttempts || Activities.IsOn;

    public void Succeed(string? requestId) => End(AttemptOutcome.Ok, error: null, requestId);

    /// <param name="error">An exception of this library, or a cancellation.</param>
    public void Fail(Exception error)
    {
        var (outcome, type, requestId) = Failure.Of(error);
        End(outcome, type, requestId);
    }

    /// <param name="outcome">An <see cref="AttemptOutcome"/>.</param>
    /// <param name="error">The type of the error; null if there is none.</param>
    /// <param name="requestId">The AWS request id, if there is one.</param>
    public void End(string outcome, string? error, string? requestId)
    {
        if (Interlocked.Exchange(ref _ended, 1) != 0)
        {
            return;
        }

        Instruments.Attempted(_time.GetElapsedTime(_begun), _operation, _region, outcome, error);
        if (_activity is null)
        {
            return;
        }

        if (requestId is { Length: > 0 })
        {
            _activity.SetTag("aws.request_id", requestId);
        }

        if (error is not null)
        {
            _activity.Fail(error);
        }

        _activity.Dispose();
    }
}
