namespace Scalr.Byok.Kms;

/// <summary>What a host has stored, for <see cref="ByokReencryption"/>: a table, a folder or a bucket.</summary>
/// <remarks>
/// <para>
/// The items have an order that does not change, for example by primary key. A source may contain a part of the stored items only, such as
/// those of one tenant, or a range of keys. Several runs can then process several ranges at the same time.
/// </para>
/// <para>
/// A run calls <see cref="ReadPageAsync"/> for one page at a time, but up to <see cref="ReencryptionOptions.MaxDegreeOfParallelism"/>
/// times <see cref="ReplaceAsync"/> at the same time, and both at the same time. So each call should use a database connection of its own.
/// Exceptions of a source end the run and are passed on unchanged.
/// </para>
/// <para>Implement <see cref="ICountedReencryptionSource"/> too, so that a run can report the remaining time.</para>
/// </remarks>
/// <typeparam name="TItem">What the source needs to find an item again, for example its primary key.</typeparam>
public interface IReencryptionSource<TItem>
{
    /// <summary>Reads the next items, in the order of their keys.</summary>
    /// <param name="page">Where the page begins, and how many items and bytes it may have.</param>
    /// <param name="cancellationToken">Cancels the call.</param>
    /// <returns>
    /// The items, at most <see cref="ReencryptionPage.MaxItems"/>. Fewer do not mean the end; an empty page does. Items without
    /// content, such as columns that are null, are left out.
    /// </returns>
    ValueTask<IReadOnlyList<ReencryptionItem<TItem>>> ReadPageAsync(ReencryptionPage page, CancellationToken cancellationToken);

    /// <summary>
    /// Replaces the content of items, each only if its form and bytes are still those of <see cref="ReencryptionReplacement{TItem}.Old"/>.
    /// </summary>
    /// <remarks>
    /// Each replacement must be atomic: a reader gets the old content or the new one, with the form that belongs to it. So a run can be
    /// killed at any moment. In SQL: one transaction with an
    /// <c>UPDATE … SET value = @new, form = @newForm WHERE id = @id AND value = @old AND form = @oldForm</c> for each item.
    /// </remarks>
    /// <param name="replacements">
    /// The replacements. Their bytes are erased after the call, since they can be plaintext: keep no reference to them.
    /// </param>
    /// <param name="cancellationToken">Cancels the call.</param>
    /// <returns>
    /// The number of items that were replaced. Items that another writer has changed or deleted are left as they are and not counted.
    /// </returns>
    ValueTask<int> ReplaceAsync(IReadOnlyList<ReencryptionReplacement<TItem>> replacements, CancellationToken cancellationToken);
}
