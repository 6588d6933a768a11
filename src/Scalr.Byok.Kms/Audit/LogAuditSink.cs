using Microsoft.Extensions.Logging;

namespace Scalr.Byok.Kms.Audit;

/// <summary>Writes each record to the log, in the category <see cref="Category"/>.</summary>
internal sealed class LogAuditSink : IByokAuditSink
{
    public const string Category = "Scalr.Byok.Kms.Audit";

    private readonly ILogger _logger;

    public LogAuditSink(ILogger logger) => _logger = logger;

    public void Record(ByokAuditRecord record)
    {
        if (_logger.IsEnabled(LogLevel.Information))
        {
            _logger.Audited(
                record.Operation,
                record.KeyArn,
                record.Outcome,
                record.ErrorCode,
                record.RequestId,
                record.Tenant,
                record.RoleArn,
                record.Region,
                record.Cause,
                string.Join(", ", record.EncryptionContextNames),
                record.KeyMaterialId,
                record.TraceId,
                record.Time,
                record.Id);
        }
    }
}
