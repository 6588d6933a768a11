using Microsoft.Extensions.Logging;

namespace Scalr.Byok.Kms.Diagnostics;

/// <summary>Every log message of the library, with stable event ids. None takes a secret, a context value or the text of an AWS answer.</summary>
internal static partial class Log
{
    [LoggerMessage(EventId = 1, Level = LogLevel.Warning,
        Message = "{Operation} failed with {Error}. A session that has not expired stays in use; the next call tries again.")]
    public static partial void SessionRenewalFailed(this ILogger logger, string operation, string error);

    [LoggerMessage(EventId = 2, Level = LogLevel.Information,
        Message = "AWS KMS no longer accepts the session for key {KeyArn} ({ErrorCode}). It is renewed and the call repeated once.")]
    public static partial void SessionRejected(this ILogger logger, KmsKeyArn keyArn, string errorCode);

    [LoggerMessage(EventId = 3, Level = LogLevel.Warning,
        Message = "{Operation} on key {KeyArn} was refused: {Reason}. AWS request id {RequestId}.")]
    public static partial void KeyUnavailable(this ILogger logger, string operation, KmsKeyArn keyArn, ByokKeyUnavailableReason reason, string? requestId);

    [LoggerMessage(EventId = 4, Level = LogLevel.Warning,
        Message = "{Operation} on key {KeyArn} failed: {Error}. AWS request id {RequestId}.")]
    public static partial void ServiceFailed(this ILogger logger, string operation, KmsKeyArn keyArn, string error, string? requestId);

    [LoggerMessage(EventId = 5, Level = LogLevel.Debug, Message = "{Operation} began a session that ends at {Expiration}.")]
    public static partial void SessionBegan(this ILogger logger, string operation, DateTimeOffset expiration);

    [LoggerMessage(EventId = 6, Level = LogLevel.Information,
        Message = "{Operation} on key {KeyArn} failed for an outage; Region {Region} is tried instead.")]
    public static partial void FailedOver(this ILogger logger, string operation, KmsKeyArn keyArn, string region);

    [LoggerMessage(EventId = 9, Level = LogLevel.Warning,
        Message = "AWS says that key {KeyArn} cannot be used. {Count} cached data keys are erased; calls are refused until AWS accepts the key again.")]
    public static partial void KeyRevoked(this ILogger logger, KmsKeyArn keyArn, int count);

    [LoggerMessage(EventId = 8, Level = LogLevel.Error, Message = "The background probe of a key ring failed with {Error}; it goes on.")]
    public static partial void WatchFailed(this ILogger logger, string error);

    [LoggerMessage(EventId = 7, Level = LogLevel.Warning,
        Message = "{Operation} on key {KeyArn} was refused: {Reason}. Region {Region} is tried instead, as FailoverOnRevokedReplica allows.")]
    public static partial void FailedOverRefusal(this ILogger logger, string operation, KmsKeyArn keyArn, ByokKeyUnavailableReason reason, string region);

    [LoggerMessage(EventId = 10, Level = LogLevel.Warning,
        Message = "AWS has not answered for key {KeyArn} in Region {Region} since {Since}. The Region is left alone and tried again from {Until} on.")]
    public static partial void BreakerOpened(this ILogger logger, KmsKeyArn keyArn, string region, DateTimeOffset since, DateTimeOffset until);

    [LoggerMessage(EventId = 11, Level = LogLevel.Information, Message = "AWS answers again for key {KeyArn} in Region {Region}, which it had not done since {Since}.")]
    public static partial void BreakerClosed(this ILogger logger, KmsKeyArn keyArn, string region, DateTimeOffset since);

    [LoggerMessage(EventId = 12, Level = LogLevel.Debug, Message = "{Operation} on key {KeyArn} is tried again after {Error} (retry {Retry}).")]
    public static partial void Retrying(this ILogger logger, string operation, KmsKeyArn keyArn, int retry, string error);
}
