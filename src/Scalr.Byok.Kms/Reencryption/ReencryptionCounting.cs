namespace Scalr.Byok.Kms.Reencryption;

/// <summary>Counts the items of a source by their keys, from the first item on.</summary>
internal sealed class ReencryptionCounting<TItem>
{
    /// <summary>The longest header of a message by default (<see cref="ByokOptions.MaxHeaderLength"/>).</summary>
    private const int HeaderLength = 131_072;

    private readonly IReencryptionSource<TItem> _source;
    private readonly KeyInUse _to;
    private readonly Pace _items;
    private readonly ReencryptionOptions _options;

    public ReencryptionCounting(IReencryptionSource<TItem> source, KeyInUse to, Pace items, ReencryptionOptions options)
    {
        _source = source;
        _to = to;
        _items = items;
        _options = options;
    }

    public async Task<ReencryptionCount> CountAsync(CancellationToken cancellationToken)
    {
        ReencryptionCount? count = null;
        var pageSize = Math.Min(_options.BatchSize, _items.PerSecond);
        for (string? after = null; ;)
        {
            await _items.WaitAsync(cancellationToken).ConfigureAwait(false);
            var page = await ReencryptionPages.ReadAsync(_source, after, pageSize, HeaderLength, cancellationToken).ConfigureAwait(false);
            if (page.Count == 0)
            {
                return count ?? new ReencryptionCount(_to.Describe());
            }

            foreach (var item in page)
            {
                var isCurrent = await _to.IsCurrentAsync(item.Form, item.Bytes, cancellationToken).ConfigureAwait(false);
                count ??= new ReencryptionCount(_to.Describe());
                count.Add(KeyInUse.NamesOf(item.Form, item.Bytes), isCurrent);
            }

            after = page[^1].Key;
            _items.Charge(page.Count);
        }
    }
}
