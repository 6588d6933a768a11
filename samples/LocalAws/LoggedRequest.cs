namespace LocalAws;

/// <summary>One request and its result. The properties contain no secret, no payload and no encryption context.</summary>
/// <param name="Time">The time by <see cref="LocalAwsOptions.Time"/>.</param>
/// <param name="Service">The service: kms or sts.</param>
/// <param name="Region">The Region of the signature; without one, that of the endpoint's path, else us-east-1.</param>
/// <param name="Operation">The operation, for example Decrypt.</param>
/// <param name="Principal">The caller's ARN; null if not authenticated.</param>
/// <param name="Key">The key ARN or role ARN that the request is about, as far as it is known.</param>
/// <param name="ErrorCode">
/// The error code; null for success; "fault:" and the kind of the fault if the client got no valid answer.
/// </param>
/// <param name="UserAgent">The user agent of the client.</param>
public sealed record LoggedRequest(
    DateTimeOffset Time,
    string Service,
    string Region,
    string Operation,
    string? Principal,
    string? Key,
    string? ErrorCode,
    string? UserAgent)
{
    /// <summary>The request id that the answer has, as AWS CloudTrail shows it.</summary>
    public string RequestId { get; init; } = "";
}
