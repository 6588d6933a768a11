namespace LocalAws;

/// <summary>The active faults, in the order in which they were added. The first fault that applies to a request is used.</summary>
public sealed class Faults
{
    private readonly Lock _gate = new();
    private readonly List<Armed> _armed = [];
    private readonly TimeProvider _time;

    // A fixed seed: a test that sends its requests in a fixed order gets the same faults on every run.
    private readonly Random _dice = new(1);

    internal Faults(TimeProvider time)
    {
        _time = time;
    }

    /// <summary>Adds a fault. It applies from the next request on.</summary>
    /// <returns>The same fault, for <see cref="Remove"/>.</returns>
    public Fault Add(Fault fault)
    {
        ArgumentNullException.ThrowIfNull(fault);
        lock (_gate)
        {
            _armed.Add(new Armed(fault));
        }

        return fault;
    }

    /// <summary>Removes a fault. Requests that already wait because of it go on waiting.</summary>
    public void Remove(Fault fault)
    {
        lock (_gate)
        {
            var index = _armed.FindIndex(armed => ReferenceEquals(armed.Fault, fault));
            if (index >= 0)
            {
                _armed.RemoveAt(index);
            }
        }
    }

    /// <summary>Removes all faults.</summary>
    public void Clear()
    {
        lock (_gate)
        {
            _armed.Clear();
        }
    }

    internal IReadOnlyList<Fault> List()
    {
        lock (_gate)
        {
            return _armed.ConvertAll(armed => armed.Fault);
        }
    }

    internal Fault? Match(string service, string operation, string? key, string region)
    {
        lock (_gate)
        {
            var now = _time.GetUtcNow();
            var hit = _armed.Find(armed => armed.Fault.Concerns(service, operation, key, region) && armed.Hits(_dice, now));
            return hit?.Fault;
        }
    }

    /// <summary>A fault and what it has done so far. The fault itself is a value, so its counters cannot live in it.</summary>
    private sealed class Armed
    {
        private int _hits;
        private int _seen;
        private DateTimeOffset _windowStart = DateTimeOffset.MinValue;

        public Armed(Fault fault)
        {
            Fault = fault;
        }

        public Fault Fault { get; }

        public bool Hits(Random dice, DateTimeOffset now)
        {
            if (_hits >= Fault.Times || (Fault.Probability < 1 && dice.NextDouble() >= Fault.Probability) || IsWithinRate(now))
            {
                return false;
            }

            _hits++;
            return true;
        }

        private bool IsWithinRate(DateTimeOffset now)
        {
            if (Fault.Kind != FaultKind.Throttle)
            {
                return false;
            }

            if (now - _windowStart >= Fault.Span)
            {
                _windowStart = now;
                _seen = 0;
            }

            return ++_seen <= Fault.Allowed;
        }
    }
}
