namespace Scalr.Byok.Kms;

/// <summary>A page of items that a run asks a source for.</summary>
public sealed class ReencryptionPage
{
    /// <summary>
    /// The <see cref="ReencryptionItem{TItem}.Key"/> after which the page begins; null: the page begins with the first item.
    /// </summary>
    public string? After { get; init; }

    /// <summary>The largest number of items in the page.</summary>
    public required int MaxItems { get; init; }

    /// <summary>
    /// The number of bytes of each item that are needed, from its beginning; null: all. A count needs the headers of messages only. A
    /// source may return more.
    /// </summary>
    public int? MaxBytes { get; init; }
}
