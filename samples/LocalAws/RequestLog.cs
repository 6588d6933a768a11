namespace LocalAws;

/// <summary>Every request since the start or the last <see cref="Clear"/>, in order. An entry is there before its client has the answer.</summary>
public sealed class RequestLog
{
    private const int Capacity = 100_000;

    private readonly Lock _gate = new();
    private readonly Queue<LoggedRequest> _requests = new();
    private readonly Dictionary<string, int> _counts = new(StringComparer.Ordinal);

    internal RequestLog()
    {
    }

    /// <summary>The requests as of now; of very many, the last 100,000.</summary>
    public IReadOnlyList<LoggedRequest> Requests
    {
        get
        {
            lock (_gate)
            {
                return _requests.ToArray();
            }
        }
    }

    /// <summary>How many requests there were for one operation, for example Decrypt, failures and faults included.</summary>
    public int Count(string operation)
    {
        lock (_gate)
        {
            return _counts.GetValueOrDefault(operation);
        }
    }

    /// <summary>Forgets everything.</summary>
    public void Clear()
    {
        lock (_gate)
        {
            _requests.Clear();
            _counts.Clear();
        }
    }

    internal void Add(LoggedRequest request)
    {
        lock (_gate)
        {
            if (_requests.Count == Capacity)
            {
                _requests.Dequeue();
            }

            _requests.Enqueue(request);
            _counts[request.Operation] = _counts.GetValueOrDefault(request.Operation) + 1;
        }
    }
}
