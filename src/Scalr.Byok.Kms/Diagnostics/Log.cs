using Microsoft.Extensions.Logging;

namespace Scalr.Byok.Kms.Diagnostics;

/// <summary>Every log message of the library, with stable event ids. None takes a secret, a context value or the text of an AWS answer.</summary>
internal static partial class Log
{
    [LoggerMessage(EventId = 1, Level = LogLevel.Warning,
        Message = "{Operation} failed with {Error}. A session that has not expired stays in use. The next call tries again.")]
    public static partial void SessionRenewalFailed(this ILogger logger, string operation, string error);

    [LoggerMessage(EventId = 2, Level = LogLevel.Information,
        Message = "AWS KMS no longer accepts the session for key {KeyArn} ({ErrorCode}). It is renewed and the call repeated once.")]
    public static partial void SessionRejected(this ILogger logger, KmsKeyArn keyArn, string errorCode);

    [LoggerMessage(EventId = 3, Level = LogLevel.Warning,
        Message = "{Operation} on key {KeyArn} was denied: {Reason}. AWS request id {RequestId}.")]
    public static partial void KeyUnavailable(this ILogger logger, string operation, KmsKeyArn keyArn, ByokKeyUnavailableReason reason, string? requestId);

    [LoggerMessage(EventId = 4, Level = LogLevel.Warning,
        Message = "{Operation} on key {KeyArn} failed: {Error}. AWS request id {RequestId}.")]
    public static partial void ServiceFailed(this ILogger logger, string operation, KmsKeyArn keyArn, string error, string? requestId);

    [LoggerMessage(EventId = 5, Level = LogLevel.Debug, Message = "{Operation} began a session that ends at {Expiration}.")]
    public static partial void SessionBegan(this ILogger logger, string operation, DateTimeOffset expiration);

    [LoggerMessage(EventId = 6, Level = LogLevel.Information,
        Message = "{Operation} on key {KeyArn} failed ({Cause}). Region {Region} is tried instead.")]
    public static partial void FailedOver(this ILogger logger, string operation, KmsKeyArn keyArn, string cause, string region);

    [LoggerMessage(EventId = 9, Level = LogLevel.Warning,
        Message = "AWS denied the use of key {KeyArn} ({Scope}): {Reason}. {Cached} cached data keys are erased, {Open} open data keys are closed and {Streams} streams are stopped.")]
    public static partial void AccessDenied(
        this ILogger logger, KmsKeyArn keyArn, string scope, ByokKeyUnavailableReason reason, int cached, int open, int streams);

    [LoggerMessage(EventId = 8, Level = LogLevel.Error, Message = "A confirmation of key {KeyArn} failed with {Error}, which is not an answer of AWS. The next use tries again.")]
    public static partial void ConfirmationFailed(this ILogger logger, KmsKeyArn keyArn, string error);

    [LoggerMessage(EventId = 7, Level = LogLevel.Warning,
        Message = "{Operation} on key {KeyArn} was denied: {Reason}. Region {Region} is tried instead.")]
    public static partial void FailedOverDenial(this ILogger logger, string operation, KmsKeyArn keyArn, ByokKeyUnavailableReason reason, string region);

    [LoggerMessage(EventId = 10, Level = LogLevel.Warning,
        Message = "{Operation} on key {KeyArn} got no usable answer in Region {Region} several times. Calls there fail at once until {Until}.")]
    public static partial void BreakerOpened(this ILogger logger, string operation, KmsKeyArn keyArn, string region, DateTimeOffset until);

    [LoggerMessage(EventId = 11, Level = LogLevel.Information, Message = "{Operation} on key {KeyArn} is answered again in Region {Region}. It had failed since {Since}.")]
    public static partial void BreakerClosed(this ILogger logger, string operation, KmsKeyArn keyArn, string region, DateTimeOffset since);

    [LoggerMessage(EventId = 12, Level = LogLevel.Debug, Message = "{Operation} on key {KeyArn} is retried after {Error} (retry {Retry}).")]
    public static partial void Retrying(this ILogger logger, string operation, KmsKeyArn keyArn, int retry, string error);
}
