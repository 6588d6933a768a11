using Scalr.Byok.Kms.Resilience;

namespace Scalr.Byok.Kms.DataKeys;

/// <summary>The last denials that erased data keys, so that a data key that was requested before one of them is discarded on arrival. Guarded by its owner's lock.</summary>
internal sealed class Erasures
{
    private const int Most = 32;

    private Queue<(Moment Arrived, DenialScope Scope, ByokKeyUnavailableException Error)>? _last; // created by the first denial
    private (Moment Arrived, ByokKeyUnavailableException Error)? _before; // stands for all that are no longer in the queue

    public void Add(Moment arrived, DenialScope scope, ByokKeyUnavailableException error)
    {
        _last ??= new();
        _last.Enqueue((arrived, scope, error));
        if (_last.Count > Most)
        {
            var oldest = _last.Dequeue();
            _before = (oldest.Arrived, oldest.Error);
        }
    }

    /// <summary>The denial that came after a moment and concerns an action in a context; null if there is none.</summary>
    public ByokKeyUnavailableException? Find(Moment since, string operation, ReadOnlyMemory<byte> contextId)
    {
        if (_before is { } before && before.Arrived.IsAfter(since))
        {
            return before.Error;
        }

        foreach (var (arrived, scope, error) in _last ?? Enumerable.Empty<(Moment Arrived, DenialScope Scope, ByokKeyUnavailableException Error)>())
        {
            if (arrived.IsAfter(since) && scope.Concerns(operation) && scope.Concerns(contextId))
            {
                return error;
            }
        }

        return null;
    }
}
