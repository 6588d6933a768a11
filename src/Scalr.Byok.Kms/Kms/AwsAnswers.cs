using Amazon.Runtime;
using Amazon.Runtime.Internal;

namespace Scalr.Byok.Kms.Kms;

/// <summary>Reads what an answer of AWS contains beside its error code.</summary>
internal static class AwsAnswers
{
    /// <summary>The error codes by which AWS asks for fewer requests.</summary>
    public static readonly string[] ThrottlingCodes =
    [
        "ThrottlingException",
        "Throttling",
        "ThrottledException",
        "LimitExceededException",
        "RequestLimitExceeded",
        "TooManyRequestsException",
        "RequestThrottled", "RequestThrottledException", "SlowDown", "PriorRequestNotComplete",
    ];

    public static bool IsThrottling(Exception error) =>
        error is AmazonServiceException service && (ThrottlingCodes.Contains(service.ErrorCode) || (int)service.StatusCode == 429);

    public static string? RequestId(Exception error) =>
        error is AmazonServiceException { RequestId.Length: > 0 } service ? service.RequestId : null;

    /// <summary>Whether the AWS SDK used the body of the answer as the message, because the answer has no message.</summary>
    public static bool QuotesBody(AmazonServiceException error) => error.Message.Contains("HTTP Body", StringComparison.Ordinal);

    public static string Name(AmazonServiceException error) =>
        error.ErrorCode is { Length: > 0 } code ? code : $"HTTP {(int)error.StatusCode} without a readable error";

    public static TimeSpan? RetryAfter(Exception error)
    {
        if (error.InnerException is not HttpErrorResponseException { Response: { } response })
        {
            return null;
        }

        // Milliseconds in AWS's own header, seconds in HTTP's (RFC 9110, 10.2.3; its date form is not used by AWS).
        if (int.TryParse(response.GetHeaderValue("x-amz-retry-after"), out var milliseconds) && milliseconds >= 0)
        {
            return TimeSpan.FromMilliseconds(milliseconds);
        }

        return int.TryParse(response.GetHeaderValue("Retry-After"), out var seconds) && seconds >= 0 ? TimeSpan.FromSeconds(seconds) : null;
    }
}
