namespace Scalr.Byok.Kms.Reencryption;

/// <summary>Reads pages and checks what a source returns.</summary>
internal static class ReencryptionPages
{
    /// <exception cref="InvalidOperationException">The source breaks its contract, so that a run would not end.</exception>
    public static async ValueTask<IReadOnlyList<ReencryptionItem<TItem>>> ReadAsync<TItem>(
        IReencryptionSource<TItem> source, string? after, int maxItems, int? maxBytes, CancellationToken cancellationToken)
    {
        var page = new ReencryptionPage { After = after, MaxItems = maxItems, MaxBytes = maxBytes };
        var items = await source.ReadPageAsync(page, cancellationToken).ConfigureAwait(false);
        if (items.Count > maxItems)
        {
            throw new InvalidOperationException($"The source returned {items.Count} items where at most {maxItems} were requested.");
        }

        if (items.Count > 0 && items[^1].Key == after)
        {
            throw new InvalidOperationException("The source returned an item again after which it was to read on.");
        }

        return items.FirstOrDefault(item => item.Form is not (
            ReencryptionForm.Plaintext or ReencryptionForm.Message or ReencryptionForm.Value)) is { } unknown
            ? throw new InvalidOperationException($"The source did not state the form of the item {unknown.Key}.")
            : items;
    }
}
