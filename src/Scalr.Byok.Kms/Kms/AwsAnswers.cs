using Amazon.Runtime;
using Amazon.Runtime.Internal;

namespace Scalr.Byok.Kms.Kms;

/// <summary>What an answer of AWS tells beside its error code.</summary>
internal static class AwsAnswers
{
    /// <summary>The codes by which AWS asks to come less often.</summary>
    public static readonly string[] ThrottlingCodes =
    [
        "ThrottlingException", "Throttling", "ThrottledException", "LimitExceededException", "RequestLimitExceeded", "TooManyRequestsException",
        "RequestThrottled", "RequestThrottledException", "SlowDown", "PriorRequestNotComplete",
    ];

    public static bool IsThrottling(Exception error) =>
        error is AmazonServiceException service && (ThrottlingCodes.Contains(service.ErrorCode) || (int)service.StatusCode == 429);

    public static string? RequestId(Exception error) => error is AmazonServiceException { RequestId.Length: > 0 } service ? service.RequestId : null;

    /// <summary>Whether the AWS SDK put the answer's body in the place of a message that the answer lacks.</summary>
    public static bool QuotesBody(AmazonServiceException error) => error.Message.Contains("HTTP Body", StringComparison.Ordinal);

    public static string Name(AmazonServiceException error) =>
        error.ErrorCode is { Length: > 0 } code ? code : $"HTTP {(int)error.StatusCode} with nothing that could be read";

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
