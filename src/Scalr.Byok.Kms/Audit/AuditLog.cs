using Microsoft.Extensions.Logging;

namespace Scalr.Byok.Kms.Audit;

/// <summary>The log messages of audit.</summary>
internal static partial class AuditLog
{
    [LoggerMessage(
        EventId = 70,
        Level = LogLevel.Information,
        Message = "{Operation} on key {KeyArn}: {Outcome} {ErrorCode}. AWS request id {RequestId}. Tenant {Tenant}, role {RoleArn}, "
            + "Region {Region}, cause {Cause}, context names {ContextNames}, key material {KeyMaterialId}, trace {TraceId}. "
            + "Sent {Sent:O}, record {RecordId}.")]
    public static partial void Audited(
        this ILogger logger,
        string operation,
        string keyArn,
        ByokAuditOutcome outcome,
        string? errorCode,
        string? requestId,
        string? tenant,
        string? roleArn,
        string region,
        ByokAuditCause cause,
        string contextNames,
        string? keyMaterialId,
        string? traceId,
        DateTimeOffset sent,
        string recordId);

    [LoggerMessage(
        EventId = 71,
        Level = LogLevel.Error,
        Message = "The audit sink {Sink} failed with {Error}. It lacks the record {RecordId} of {Operation}, AWS request id {RequestId}.")]
    public static partial void SinkFailed(
        this ILogger logger, string sink, string error, string recordId, string operation, string? requestId);
}
