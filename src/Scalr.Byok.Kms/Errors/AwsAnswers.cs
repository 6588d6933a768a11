using Amazon.Runtime;
using Amazon.Runtime.Internal;

namespace Scalr.Byok.Kms.Errors;

/// <summary>Reads what an answer of AWS contains beside its result.</summary>
/// <remarks>
/// Trust boundary: a proxy, or another server behind a configured address, can answer with any text, also with a part of the request. Only
/// texts that <see cref="Code"/>, <see cref="Id"/> and <see cref="Constant"/> return may be logged or put into an exception or a record.
/// </remarks>
internal static class AwsAnswers
{
    private const int LongestText = 128;

    private const int SecretAccessKeyLength = 40;

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

    /// <summary>The other codes of AWS KMS and AWS STS that do not end like the name of an exception or an error.</summary>
    private static readonly string[] OtherCodes =
    [
        "AccessDenied", "ExpiredToken", "IDPRejectedClaim", "IncompleteSignature", "InternalFailure", "InvalidAction",
        "InvalidClientTokenId", "InvalidIdentityToken", "InvalidInput", "InvalidParameterCombination", "InvalidParameterValue",
        "InvalidQueryParameter", "MalformedInput", "MalformedPolicyDocument", "MalformedQueryString", "MissingAction",
        "MissingAuthenticationToken", "MissingParameter", "NotAuthorized", "OptInRequired", "PackedPolicyTooLarge",
        "RequestExpired", "RequestInTheFuture", "RequestTimeout", "RequestTimeTooSkewed", "ServiceUnavailable", "SignatureDoesNotMatch",
    ];

    public static bool IsThrottling(Exception error) =>
        error is AmazonServiceException service && (ThrottlingCodes.Contains(service.ErrorCode) || (int)service.StatusCode == 429);

    /// <summary>The error code of an answer; null if it is none of AWS's and not named like one.</summary>
    public static string? Code(string? text) =>
        text is not null
        && (ThrottlingCodes.Contains(text)
            || OtherCodes.Contains(text)
            || (IsOnly(text, char.IsAsciiLetter)
                && (text.EndsWith("Exception", StringComparison.Ordinal) || text.EndsWith("Error", StringComparison.Ordinal))))
            ? text
            : null;

    /// <summary>An id of an answer; null if it is not like one of AWS, or as long as a secret access key.</summary>
    public static string? Id(string? text) =>
        text is { Length: not SecretAccessKeyLength } && IsOnly(text, static c => char.IsAsciiLetterOrDigit(c) || c == '-') ? text : null;

    /// <summary>A value of an enumeration of AWS KMS, such as SYMMETRIC_DEFAULT; null if it is not like one.</summary>
    public static string? Constant(ConstantClass? value) =>
        value?.Value is { } text && IsOnly(text, static c => char.IsAsciiLetterUpper(c) || char.IsAsciiDigit(c) || c == '_') ? text : null;

    /// <summary>The request id of an answer; null if there is none, or none that may be shown.</summary>
    public static string? RequestId(Exception error) => error is AmazonServiceException service ? Id(service.RequestId) : null;

    /// <summary>Whether the AWS SDK used the body of the answer as the message, because the answer has no message.</summary>
    public static bool QuotesBody(AmazonServiceException error) => error.Message.Contains("HTTP Body", StringComparison.Ordinal);

    /// <summary>What to call the error: its code, or else its HTTP status.</summary>
    public static string Name(AmazonServiceException error)
    {
        var without = string.IsNullOrEmpty(error.ErrorCode) ? "without a readable error" : "with an unknown error code";
        return Code(error.ErrorCode) ?? $"HTTP {(int)error.StatusCode} {without}";
    }

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

    private static bool IsOnly(string text, Func<char, bool> isAllowed)
    {
        foreach (var c in text)
        {
            if (!isAllowed(c))
            {
                return false;
            }
        }

        return text.Length is > 0 and <= LongestText;
    }
}
