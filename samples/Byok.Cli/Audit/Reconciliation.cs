using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using Scalr.Byok.Kms;

namespace Byok.Cli.Audit;

/// <summary>Compares a host's audit records with a customer's log files of AWS CloudTrail, by request id.</summary>
/// <remarks>
/// Each file is read twice: to match, and to list what has no match. So memory holds some bytes per record, and nothing per event.
/// </remarks>
internal sealed class Reconciliation
{
    private readonly IReadOnlyList<string> _records;
    private readonly IReadOnlyList<string> _trails;
    private readonly Filter _filter;

    // The recorded requests that AWS answered, by request id, and those without an answer, by their own id.
    private readonly Dictionary<UInt128, Entry> _answered = [];
    private readonly Dictionary<UInt128, string?> _unanswered = [];

    // Records that claim the request of another record. A request has one record, so at most one of them is true.
    private readonly HashSet<UInt128> _excess = [];
    private readonly Dictionary<string, int> _resources = new(StringComparer.Ordinal);
    private readonly HashSet<string> _hosts = new(StringComparer.Ordinal);

    /// <param name="records">The files of the host.</param>
    /// <param name="trails">The files of the customer.</param>
    /// <param name="filter">What to list. All records and events are matched, so that its limits make no differences.</param>
    public Reconciliation(IReadOnlyList<string> records, IReadOnlyList<string> trails, Filter filter)
    {
        _records = records;
        _trails = trails;
        _filter = filter;
    }

    /// <summary>The number of requests that both sides know.</summary>
    public long Matched { get; private set; }

    /// <summary>The number of records, those without an answer included.</summary>
    public long Records { get; private set; }

    /// <summary>The number of events of the five operations.</summary>
    public long Events { get; private set; }

    /// <summary>The lines that are not records, as <c>file:line</c>.</summary>
    public List<string> Unreadable { get; } = [];

    /// <summary>Matches everything, then returns the findings in the order of the files.</summary>
    /// <exception cref="IOException">A file cannot be read, or is not one of AWS CloudTrail.</exception>
    public async IAsyncEnumerable<Finding> RunAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await foreach (var record in RecordsAsync(_records, Unreadable, cancellationToken))
        {
            Records++;
            Add(record);
        }

        await foreach (var one in EventsAsync(cancellationToken))
        {
            Events++;
            Match(one);
        }

        await foreach (var record in RecordsAsync(_records, unreadable: null, cancellationToken))
        {
            if (_filter.Lists(record.Time) && _filter.Lists(record.Tenant) && Explain(record) is { } finding)
            {
                yield return finding;
            }
        }

        await foreach (var one in EventsAsync(cancellationToken))
        {
            if (_filter.Lists(one.Time) && Explain(one) is { } finding)
            {
                yield return finding;
            }
        }
    }

    private static async IAsyncEnumerable<ByokAuditRecord> RecordsAsync(
        IReadOnlyList<string> files, List<string>? unreadable, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        foreach (var file in files)
        {
            await foreach (var (line, record) in RecordFile.ReadAsync(file, cancellationToken))
            {
                if (record is not null)
                {
                    yield return record;
                }
                else
                {
                    unreadable?.Add($"{file}:{line}");
                }
            }
        }
    }

    private async IAsyncEnumerable<TrailEvent> EventsAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        foreach (var file in _trails)
        {
            await foreach (var one in TrailFile.ReadAsync(file, cancellationToken))
            {
                yield return one;
            }
        }
    }

    private static string ResourceOf(ByokAuditRecord record) => record.RoleArn ?? record.KeyArn;

    /// <summary>The request that a record is about; null without an answer.</summary>
    private static UInt128? RequestOf(ByokAuditRecord record) =>
        record.RequestId is { Length: > 0 } id ? Hash(record.Operation, id) : null;

    /// <summary>128 bits of a hash: they identify the texts, and all have one size.</summary>
    private static UInt128 Hash(string first, string second = "") =>
        MemoryMarshal.Read<UInt128>(SHA256.HashData(Encoding.UTF8.GetBytes($"{first}\n{second}")));

    private void Add(ByokAuditRecord record)
    {
        var resource = ResourceOf(record);
        if (!_resources.TryGetValue(resource, out var index))
        {
            _resources.Add(resource, index = _resources.Count);
        }

        if (RequestOf(record) is { } request)
        {
            // The same record again, from a copied file, is not a second record.
            if (!_answered.TryAdd(request, new Entry(index, Hash(record.Id), IsMatched: false))
                && _answered[request] is var first && (first.Record != Hash(record.Id) || first.Resource != index))
            {
                _excess.Add(Hash(record.Id, resource));
            }
        }
        else
        {
            _unanswered.TryAdd(Hash(record.Id), null);
        }
    }

    private void Match(TrailEvent one)
    {
        if (FindsEntry(one))
        {
            ref var entry = ref CollectionsMarshal.GetValueRefOrNullRef(_answered, Hash(one.Operation, one.RequestId));
            Matched += entry.IsMatched ? 0 : 1;
            entry = entry with { IsMatched = true };
        }
        else if (one.RecordId is { } id && _unanswered.ContainsKey(Hash(id)))
        {
            _unanswered[Hash(id)] = one.RequestId;
        }
        else
        {
            return;
        }

        if (one.Principal is not null)
        {
            // Found in the events: an access key's user is not in the records.
            _hosts.Add(one.Principal);
        }
    }

    /// <summary>Whether a record has the same request id, operation and, as far as the event has one, key or role.</summary>
    private bool FindsEntry(TrailEvent one) => _answered.TryGetValue(Hash(one.Operation, one.RequestId), out var entry)
        && (one.Resource is null || (_resources.TryGetValue(one.Resource, out var resource) && resource == entry.Resource));

    private Finding? Explain(ByokAuditRecord record)
    {
        Finding Of(string kind, string? requestId) =>
            new(kind, record.Time, record.Operation, ResourceOf(record), requestId, record.Tenant, record.ErrorCode);
        return RequestOf(record) is not { } request ? Of(FindingKind.NoAnswer, _unanswered[Hash(record.Id)])
            : _excess.Contains(Hash(record.Id, ResourceOf(record))) ? Of(FindingKind.OnlyHost, record.RequestId)
            : _answered[request].IsMatched ? null
            : Of(record.Outcome == ByokAuditOutcome.Error ? FindingKind.Failed : FindingKind.OnlyHost, record.RequestId);
    }

    private Finding? Explain(TrailEvent one)
    {
        if (FindsEntry(one) || (one.RecordId is { } id && _unanswered.ContainsKey(Hash(id))))
        {
            return null;
        }

        var isHost = one.IsOfLibrary || (one.Principal is not null && _hosts.Contains(one.Principal));

        // Other principals matter only on the keys and roles that the host uses.
        return !isHost && (one.Resource is null || !_resources.ContainsKey(one.Resource)) ? null : new Finding(
            isHost ? FindingKind.OnlyCloudTrail : FindingKind.NotTheHost,
            one.Time,
            one.Operation,
            one.Resource,
            one.RequestId.Length > 0 ? one.RequestId : null,
            one.Principal,
            one.ErrorCode);
    }

    /// <summary>What to list.</summary>
    /// <param name="From">The first moment; null for no limit.</param>
    /// <param name="To">The moment after the last; null for no limit.</param>
    /// <param name="Tenant">The tenant whose records are listed; null for all.</param>
    internal sealed record Filter(DateTimeOffset? From, DateTimeOffset? To, string? Tenant)
    {
        public bool Lists(DateTimeOffset time) => !(time < From) && !(time >= To);

        public bool Lists(string? tenant) => Tenant is null || Tenant == tenant;
    }

    private readonly record struct Entry(int Resource, UInt128 Record, bool IsMatched);
}
