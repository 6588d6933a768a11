using Microsoft.Extensions.Logging;
using Scalr.Byok.Kms.Diagnostics;

namespace Scalr.Byok.Kms.Audit;

/// <summary>All audit sinks of a host, of which there is at least one. Contains their exceptions.</summary>
internal sealed class AuditSinks
{
    private readonly IByokAuditSink[] _sinks;
    private readonly ILogger _logger;

    private AuditSinks(IByokAuditSink[] sinks, TimeProvider time, ILogger logger)
    {
        _sinks = sinks;
        Time = time;
        _logger = logger;
    }

    public TimeProvider Time { get; }

    /// <summary>Null if there are no sinks: then nothing is recorded.</summary>
    public static AuditSinks? Of(IEnumerable<IByokAuditSink> sinks, TimeProvider time, ILogger logger) =>
        sinks.ToArray() is { Length: > 0 } any ? new AuditSinks(any, time, logger) : null;

    public void Record(ByokAuditRecord record)
    {
        foreach (var sink in _sinks)
        {
            try
            {
                sink.Record(record);
            }
            catch (Exception e)
            {
                // Only the name of the type: the text may contain a secret of the host.
                Instruments.AuditFailed();
                _logger.SinkFailed(sink.GetType().Name, e.GetType().Name, record.Id, record.Operation, record.RequestId);
            }
        }
    }
}
