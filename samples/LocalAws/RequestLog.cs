namespace LocalAws;

/// <summary>
/// All requests since the start or the last <see cref="Clear"/>, in order. A request is in the log before the client gets its answer.
/// </summary>
public sealed class RequestLog
{
    private const int Capacity = 100_000;

    private readonly Lock _gate = new();
    private readonly Queue<(LoggedRequest Request, TrailEvent? Event)> _requests = new();
    private readonly Dictionary<string, int> _counts = new(StringComparer.Ordinal);

    internal RequestLog()
    {
    }

    /// <summary>A copy of the requests so far: the last 100,000 at most.</summary>
    public IReadOnlyList<LoggedRequest> Requests
    {
        get
        {
            lock (_gate)
            {
                return [.. _requests.Select(entry => entry.Request)];
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

    /// <summary>Removes all requests.</summary>
    public void Clear()
    {
        lock (_gate)
        {
            _requests.Clear();
            _counts.Clear();
        }
    }

    /// <summary>
    /// Writes the requests in the format of AWS CloudTrail's log files: <c>{"Records":[…]}</c>. Each request that AWS would have carried
    /// out or denied is an event, also if a fault lost its answer. A request without a valid signature is not an event.
    /// </summary>
    /// <remarks>The events have values of the encryption context, as those of AWS do. They have no secret.</remarks>
    /// <param name="destination">The destination.</param>
    /// <param name="cancellationToken">Cancels the call.</param>
    public async Task WriteCloudTrailAsync(Stream destination, CancellationToken cancellationToken = default)
    {
        TrailEvent[] events;
        lock (_gate)
        {
            events = [.. _requests.Select(entry => entry.Event).OfType<TrailEvent>()];
        }

        await TrailEvent.WriteAsync(destination, events, cancellationToken);
    }

    internal void Add(LoggedRequest request, TrailEvent? trail)
    {
        lock (_gate)
        {
            if (_requests.Count == Capacity)
            {
                _requests.Dequeue();
            }

            _requests.Enqueue((request, trail));
            _counts[request.Operation] = _counts.GetValueOrDefault(request.Operation) + 1;
        }
    }
}
