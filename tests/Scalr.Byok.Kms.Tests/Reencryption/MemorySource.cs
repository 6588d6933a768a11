using System.Globalization;

namespace Scalr.Byok.Kms.Tests.Reencryption;

/// <summary>Rows in memory, with a compare-and-set and a counter.</summary>
internal sealed class MemorySource : IReencryptionSource<int>, ICountedReencryptionSource
{
    private readonly Lock _gate = new();
    private readonly SortedDictionary<int, (ReencryptionForm Form, byte[] Bytes)> _rows = [];
    private int _read;
    private int _finished;

    /// <summary>The pairs of a row. By default, all rows share them.</summary>
    public Func<int, IReadOnlyDictionary<string, string>?> Context { get; set; } = _ => ReencryptionWorld.SharedContext;

    /// <summary>Runs before each page is read.</summary>
    public Func<Task> Reading { get; set; } = () => Task.CompletedTask;

    /// <summary>Runs before each replacement of rows.</summary>
    public Func<IReadOnlyList<ReencryptionReplacement<int>>, Task> Replacing { get; set; } = _ => Task.CompletedTask;

    /// <summary>The number of writes by runs.</summary>
    public int Writes { get; private set; }

    /// <summary>The largest number of rows that were read and not replaced yet.</summary>
    public int MostUnderWay { get; private set; }

    public int Count => _rows.Count;

    public static ByokAssociatedData Place(int id) => ByokAssociatedData.For("rows", "text", id);

    public (ReencryptionForm Form, byte[] Bytes) this[int id]
    {
        get
        {
            lock (_gate)
            {
                return _rows[id];
            }
        }

        set
        {
            lock (_gate)
            {
                _rows[id] = value;
            }
        }
    }

    public IReadOnlyList<int> Ids
    {
        get
        {
            lock (_gate)
            {
                return [.. _rows.Keys];
            }
        }
    }

    public IEnumerable<ReencryptionForm> Forms => Ids.Select(id => this[id].Form);

    public async ValueTask<IReadOnlyList<ReencryptionItem<int>>> ReadPageAsync(
        ReencryptionPage page, CancellationToken cancellationToken)
    {
        await Reading();
        cancellationToken.ThrowIfCancellationRequested();
        var after = page.After is null ? int.MinValue : int.Parse(page.After, CultureInfo.InvariantCulture);
        lock (_gate)
        {
            List<ReencryptionItem<int>> items =
            [
                .. _rows.Where(row => row.Key > after).Take(page.MaxItems).Select(row => new ReencryptionItem<int>
                {
                    Id = row.Key,
                    Key = row.Key.ToString(CultureInfo.InvariantCulture),
                    Form = row.Value.Form,
                    Bytes = page.MaxBytes is { } length ? row.Value.Bytes.AsMemory(0, Math.Min(length, row.Value.Bytes.Length))
                        : row.Value.Bytes,
                    EncryptionContext = Context(row.Key),
                    Place = Place(row.Key),
                }),
            ];
            if (page.MaxBytes is null)
            {
                _read += items.Count;
                MostUnderWay = Math.Max(MostUnderWay, _read - _finished);
            }

            return items;
        }
    }

    public async ValueTask<int> ReplaceAsync(
        IReadOnlyList<ReencryptionReplacement<int>> replacements, CancellationToken cancellationToken)
    {
        await Replacing(replacements);
        return Apply(replacements);
    }

    /// <summary>Replaces rows that are still what was read.</summary>
    public int Apply(IEnumerable<ReencryptionReplacement<int>> replacements)
    {
        var replaced = 0;
        lock (_gate)
        {
            foreach (var replacement in replacements)
            {
                _finished++;
                var (form, bytes) = _rows[replacement.Old.Id];
                if (form == replacement.Old.Form && replacement.Old.Bytes.Span.SequenceEqual(bytes))
                {
                    _rows[replacement.Old.Id] = (replacement.Form, replacement.Bytes.ToArray());
                    Writes++;
                    replaced++;
                }
            }
        }

        return replaced;
    }

    public ValueTask<long> CountItemsAsync(string? after, CancellationToken cancellationToken)
    {
        var first = after is null ? int.MinValue : int.Parse(after, CultureInfo.InvariantCulture);
        return new(Ids.Count(id => id > first));
    }
}
