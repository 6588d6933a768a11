using Microsoft.Extensions.Logging;

namespace Scalr.Byok.Kms.Diagnostics;

/// <summary>All log messages of the library, with stable event ids. None contains a secret, a context value or a text of AWS.</summary>
internal static partial class Log
{
    [LoggerMessage(EventId = 1, Level = LogLevel.Warning,
        Message = "{Operation} failed with {Error}. The current session, if there is one, stays in use until it expires. "
            + "The next call tries again.")]
    public static partial void SessionRenewalFailed(this ILogger logger, string operation, string error);

    [LoggerMessage(EventId = 2, Level = LogLevel.Information,
        Message = "AWS KMS no longer accepts the session for key {KeyArn} ({ErrorCode}). It is renewed and the call repeated once.")]
    public static partial void SessionRejected(this ILogger logger, KmsKeyArn keyArn, string errorCode);

    [LoggerMessage(EventId = 3, Level = LogLevel.Warning,
        Message = "{Operation} on key {KeyArn} was denied: {Reason}. AWS request id {RequestId}.")]
    public static partial void KeyUnavailable(
        this ILogger logger, string operation, KmsKeyArn keyArn, ByokKeyUnavailableReason reason, string requestId);

    [LoggerMessage(EventId = 4, Level = LogLevel.Warning,
        Message = "{Operation} on key {KeyArn} failed: {Error}. AWS request id {RequestId}.")]
    public static partial void ServiceFailed(this ILogger logger, string operation, KmsKeyArn keyArn, string error, string requestId);

    [LoggerMessage(EventId = 5, Level = LogLevel.Debug, Message = "{Operation} began a session that ends at {Expiration:u}.")]
    public static partial void SessionBegan(this ILogger logger, string operation, DateTimeOffset expiration);

    [LoggerMessage(EventId = 6, Level = LogLevel.Information,
        Message = "{Operation} on key {KeyArn} failed ({Cause}). Region {Region} is tried instead.")]
    public static partial void FailedOver(this ILogger logger, string operation, KmsKeyArn keyArn, string cause, string region);

    [LoggerMessage(EventId = 9, Level = LogLevel.Warning,
        Message = "AWS denied the use of key {KeyArn}: {Reason}. Concerned: {Scope}. "
            + "{Cached} cached data keys are erased, {Open} open data keys are closed and {Streams} streams are stopped.")]
    public static partial void AccessDenied(
        this ILogger logger, KmsKeyArn keyArn, string scope, ByokKeyUnavailableReason reason, int cached, int open, int streams);

    [LoggerMessage(
        EventId = 8,
        Level = LogLevel.Error,
        Message = "A confirmation of key {KeyArn} failed with {Error}, which is not an answer of AWS. The next use tries again.")]
    public static partial void ConfirmationFailed(this ILogger logger, KmsKeyArn keyArn, string error);

    [LoggerMessage(EventId = 7, Level = LogLevel.Warning,
        Message = "{Operation} on key {KeyArn} was denied: {Reason}. Region {Region} is tried instead.")]
    public static partial void FailedOverDenial(
        this ILogger logger, string operation, KmsKeyArn keyArn, ByokKeyUnavailableReason reason, string region);

    [LoggerMessage(EventId = 10, Level = LogLevel.Warning,
        Message = "{Operation} on key {KeyArn} got no usable answer in Region {Region} several times. "
            + "Calls there fail at once until {Until:u}.")]
    public static partial void BreakerOpened(this ILogger logger, string operation, KmsKeyArn keyArn, string region, DateTimeOffset until);

    [LoggerMessage(
        EventId = 11,
        Level = LogLevel.Information,
        Message = "{Operation} on key {KeyArn} is answered again in Region {Region}. It had failed since {Since:u}.")]
    public static partial void BreakerClosed(this ILogger logger, string operation, KmsKeyArn keyArn, string region, DateTimeOffset since);

    [LoggerMessage(EventId = 12, Level = LogLevel.Debug, Message = "{Operation} on key {KeyArn} is retried after {Error} (retry {Retry}).")]
    public static partial void Retrying(this ILogger logger, string operation, KmsKeyArn keyArn, int retry, string error);

    [LoggerMessage(EventId = 60, Level = LogLevel.Warning, Message = "Key {KeyArn} needs attention: {Code}. Deadline: {Deadline}.")]
    public static partial void KeyWarned(this ILogger logger, KmsKeyArn keyArn, string code, string deadline);

    [LoggerMessage(EventId = 61, Level = LogLevel.Warning,
        Message = "Key {KeyArn} cannot be reached since {Start:u}: {Code}. Data keys expire at the latest: {Deadline}.")]
    public static partial void KeyUnreachable(
        this ILogger logger, KmsKeyArn keyArn, DateTimeOffset start, string code, string deadline);

    [LoggerMessage(EventId = 62, Level = LogLevel.Information, Message = "Key {KeyArn} can be used again since {Start:u}. Before: {Code}.")]
    public static partial void KeyRestored(this ILogger logger, KmsKeyArn keyArn, DateTimeOffset start, string code);

    [LoggerMessage(EventId = 63, Level = LogLevel.Error, Message = "The observer of key events {Observer} failed with {Error}.")]
    public static partial void KeyObserverFailed(this ILogger logger, string observer, string error);

    [LoggerMessage(EventId = 64, Level = LogLevel.Error,
        Message = "The observer of key events {Observer} did not return within {Limit}. It gets no event until it returns.")]
    public static partial void KeyObserverTooSlow(this ILogger logger, string observer, TimeSpan limit);

    [LoggerMessage(EventId = 65, Level = LogLevel.Error,
        Message = "The observer of key events {Observer} missed {Count} events while it did not return.")]
    public static partial void KeyEventsMissed(this ILogger logger, string observer, long count);

    [LoggerMessage(EventId = 66, Level = LogLevel.Error,
        Message = "{Count} key events were dropped, because the observers were too slow.")]
    public static partial void KeyEventsDropped(this ILogger logger, long count);

    [LoggerMessage(EventId = 80, Level = LogLevel.Warning,
        Message = "The cache for shared confirmations failed with {Error}. Until it answers again, this instance asks AWS itself.")]
    public static partial void FleetCacheFailed(this ILogger logger, string error);

    [LoggerMessage(EventId = 81, Level = LogLevel.Information, Message = "The cache for shared confirmations answers again.")]
    public static partial void FleetCacheAnswers(this ILogger logger);

    [LoggerMessage(EventId = 82, Level = LogLevel.Warning,
        Message = "The cache for shared confirmations has an entry that no instance of this host wrote there. It is ignored, and so are "
            + "all others like it. This is logged once.")]
    public static partial void FleetEntryForged(this ILogger logger);

    [LoggerMessage(EventId = 83, Level = LogLevel.Warning,
        Message = "Confirmations are shared through a cache in this process's memory, so no other instance has them.")]
    public static partial void FleetCacheIsLocal(this ILogger logger);

    [LoggerMessage(EventId = 84, Level = LogLevel.Warning,
        Message = "The new version of a tenant's settings could not be published. "
            + "Other instances read the settings again when they expire.")]
    public static partial void VersionNotPublished(this ILogger logger);
}
