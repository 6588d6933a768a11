namespace Scalr.Byok.Kms;

/// <summary>A stored item, as a source has read it.</summary>
/// <typeparam name="TItem">What the source needs to find the item again.</typeparam>
public sealed class ReencryptionItem<TItem>
{
    /// <summary>What the source needs to find the item again, for example its primary key. The library passes it back unchanged.</summary>
    public required TItem Id { get; init; }

    /// <summary>
    /// The key of the item as a text, for example its primary key. Unique; the source reads on after it
    /// (<see cref="ReencryptionPage.After"/>). Progress and checkpoints contain it, and hosts log them: use no personal data in it.
    /// </summary>
    public required string Key { get; init; }

    /// <summary>What the bytes are, as it is stored with the item.</summary>
    public required ReencryptionForm Form { get; init; }

    /// <summary>
    /// The bytes. They must not change until the run has finished the item. If they are plaintext, the source owns and erases them.
    /// </summary>
    public required ReadOnlyMemory<byte> Bytes { get; init; }

    /// <summary>
    /// The pairs that the item is bound to as a message, now or after the run. A message must have them, and may have more; a new message
    /// has all pairs of the old one. Null: no pairs, and any message is accepted.
    /// </summary>
    public IReadOnlyDictionary<string, string>? EncryptionContext { get; init; }

    /// <summary>
    /// The place that the item is bound to as a value, now or after the run. Required if a data key is used:
    /// <see cref="ByokAssociatedData.None"/> states that there is no place.
    /// </summary>
    public ByokAssociatedData Place { get; init; }
}
