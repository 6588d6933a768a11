using Microsoft.Extensions.Logging;
using Scalr.Byok.Kms.Diagnostics;

namespace Scalr.Byok.Kms.Audit;

/// <summary>All audit sinks of a host, of which there is at least one. Contains their exceptions. Safe for concurrent use.</summary>
internal sealed class AuditSinks
{
    private readonly Func<IEnumerable<IByokAuditSink>> _create;
    private readonly ILogger _logger;
    private readonly Lock _gate = new();
    private TaskCompletionSource<IByokAuditSink[]>? _created;

    /// <param name="create">Creates the sinks.</param>
    /// <param name="time">The clock of records.</param>
    /// <param name="logger">The log.</param>
    public AuditSinks(Func<IEnumerable<IByokAuditSink>> create, TimeProvider time, ILogger logger)
    {
        _create = create;
        Time = time;
        _logger = logger;
    }

    public TimeProvider Time { get; }

    /// <summary>
    /// The sinks. The first call creates them, not the creation of a ring: a sink may itself need a ring or their provider. A creation that
    /// fails is repeated by the next call.
    /// </summary>
    /// <exception cref="ByokServiceException">They cannot be created.</exception>
    public async ValueTask<IByokAuditSink[]> GetAsync()
    {
        TaskCompletionSource<IByokAuditSink[]>? own = null;
        Task<IByokAuditSink[]> created;
        lock (_gate)
        {
            if (_created is null || _created.Task.IsFaulted)
            {
                _created = own = new TaskCompletionSource<IByokAuditSink[]>(TaskCreationOptions.RunContinuationsAsynchronously);
            }

            created = _created.Task;
        }

        if (own is not null)
        {
            // Outside the lock. If the host's code waits for a call of a ring here, that call waits for this task, and its time limit ends
            // both.
            try
            {
                own.SetResult([.. _create()]);
            }
            catch (Exception e)
            {
                own.SetException(e);
            }
        }

        try
        {
            return await created.ConfigureAwait(false);
        }
        catch (Exception e)
        {
            // Only the name of the type: the text may contain a secret of the host.
            throw new ByokServiceException(
                $"The audit sinks cannot be created ({e.GetType().Name}), so nothing was sent to AWS. Correct their registration.",
                isTransient: false,
                e);
        }
    }

    /// <summary>Creates the sinks at the start of the host, so that a wrong registration is found there.</summary>
    /// <exception cref="ByokServiceException">They cannot be created.</exception>
    public void Start()
    {
        var created = GetAsync().AsTask();
        if (created.Exception is { InnerException: { } error })
        {
            throw error;
        }
    }

    public void Record(IByokAuditSink[] sinks, ByokAuditRecord record)
    {
        foreach (var sink in sinks)
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
