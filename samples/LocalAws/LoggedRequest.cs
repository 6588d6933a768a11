namespace LocalAws;

/// <summary>One request as the server saw and decided it. It never holds a secret, a payload or an encryption context.</summary>
/// <param name="Time">By <see cref="LocalAwsOptions.Time"/>.</param>
/// <param name="Service">kms or sts.</param>
/// <param name="Region">The Region of the signature; without one, that of the endpoint's path, else us-east-1.</param>
/// <param name="Operation">For example Decrypt.</param>
/// <param name="Principal">The caller's ARN; null if not authenticated.</param>
/// <param name="Key">The key ARN or role ARN that the request is about, as far as it is known.</param>
/// <param name="ErrorCode">
/// Null for success; the error code; or fault: and the kind of fault that left the client without a proper answer.
/// </param>
/// <param name="UserAgent">As the client sent it.</param>
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
