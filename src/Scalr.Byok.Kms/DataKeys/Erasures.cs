using Scalr.Byok.Kms.Resilience;

namespace Scalr.Byok.Kms.DataKeys;

/// <summary>
/// The last denials that erased data keys. A data key is discarded on arrival if it was requested before one of these denials arrived.
/// Guarded by the owner's lock.
/// </summary>
internal sealed class Erasures
{
    // Bounds the memory. Any number is correct: _before stands for the denials that no longer fit.
    private const int Most = 32;

    private readonly Queue<(Moment Arrived, DenialScope Scope, ByokKeyUnavailableException Error)> _last = new();

    // The newest denial that left the queue. It stands for all denials before it.
    private (Moment Arrived, ByokKeyUnavailableException Error)? _before;

    public void Add(Moment arrived, DenialScope scope, ByokKeyUnavailableException error)
    {
        _last.Enqueue((arrived, scope, error));
        if (_last.Count > Most)
        {
            var oldest = _last.Dequeue();
            _before = (oldest.Arrived, oldest.Error);
        }
    }

    /// <summary>The denial that arrived after a moment and concerns an action in a context; null if there is none.</summary>
    public ByokKeyUnavailableException? Find(Moment since, string operation, ReadOnlyMemory<byte> contextId)
    {
        // A request older than the newest denial that left the queue gets that denial, whatever its scope: too strict, never too lax.
        if (_before is { } before && before.Arrived.IsAfter(since))
        {
            return before.Error;
        }

        foreach (var (arrived, scope, error) in _last)
        {
            if (arrived.IsAfter(since) && scope.Concerns(operation) && scope.Concerns(contextId))
            {
                return error;
            }
        }

        return null;
    }
}
