using System.Runtime.CompilerServices;
using Scalr.Byok.Kms.Reencryption;

namespace Scalr.Byok.Kms;

/// <summary>
/// Moves everything that a host has stored to another key, while the host goes on: turns encryption on for existing data, changes the key,
/// or turns encryption off.
/// </summary>
/// <remarks>
/// <para>
/// A run can be stopped and killed at any moment, and repeated: an item is replaced in one step, and only if it is still what was read. A
/// second run at the same time does no harm. Before a run, every process of the host must write under the new key and read under both;
/// otherwise items return to the old key.
/// </para>
/// <para>
/// The key <c>from</c> and the key <c>to</c> are each a key ring, data keys or nothing (<see cref="ReencryptionKey"/>), in any combination
/// except nothing to nothing. Stored items can have all three forms at once: an item that is under <c>to</c> is left as it is, and an item
/// that only a previous key of <c>to</c> decrypts is moved too.
/// </para>
/// <para>
/// <b>Cost in AWS calls.</b> Values under data keys: none but those of the open data keys, so a million values from one data key to another
/// cost the opening of both (one kms:Decrypt each) and confirmations. Messages: one kms:Decrypt for each data key of the old messages, and
/// one kms:Encrypt for each encryption context; with <see cref="ReencryptionOptions.Verify"/>, one kms:Decrypt for each new data key. So
/// with a context that differs per item, an item costs three calls, or two without verification. Items that are already current cost none.
/// </para>
/// </remarks>
public static class ByokReencryption
{
    /// <summary>Moves all items of a source that are not under the target key yet. Finally counts all items of the source.</summary>
    /// <remarks>
    /// <para>
    /// Work proceeds while the caller asks for progress: a progress comes after each batch, when a pause begins and after each attempt in
    /// it, and at the end. To stop, leave the loop or cancel the token. Batches that were begun are then given up.
    /// </para>
    /// <para>
    /// If the customer's key is unavailable or AWS gives no usable answer, the run pauses. It tries again after 1 second, which doubles up
    /// to <see cref="ReencryptionOptions.MaxRetryDelay"/>, and goes on when an item succeeds. After
    /// <see cref="ReencryptionOptions.MaxPause"/>, the exception leaves the loop. No item is quarantined for that reason, unless AWS
    /// repeatedly denies one item while it serves others.
    /// </para>
    /// <para>
    /// <b>Remove an old key only if the count of the last progress has 0 <see cref="ReencryptionCount.Remaining"/> items.</b> Otherwise
    /// handle the quarantined items and run again from the start.
    /// </para>
    /// </remarks>
    /// <typeparam name="TItem">What the source needs to find an item again.</typeparam>
    /// <param name="source">What the host has stored.</param>
    /// <param name="from">What decrypts the items that are there.</param>
    /// <param name="to">What the items are encrypted under afterwards.</param>
    /// <param name="options">How to run. Null: the defaults.</param>
    /// <param name="cancellationToken">Cancels the run.</param>
    /// <returns>
    /// The progress. Its last element has a <see cref="ReencryptionProgress.Count"/>. The source is not read before the first element is
    /// requested.
    /// </returns>
    /// <exception cref="ArgumentException">An option is out of range, or both keys are <see cref="ReencryptionKey.None"/>.</exception>
    /// <exception cref="ByokKeyUnavailableException">
    /// The customer's key was unavailable for <see cref="ReencryptionOptions.MaxPause"/>.
    /// </exception>
    /// <exception cref="ByokServiceException">AWS gave no usable answer for that time.</exception>
    /// <exception cref="ByokDecryptionException">
    /// An item could not be moved, and <see cref="ReencryptionOptions.StopOnFailure"/> is set. The message names the item's key.
    /// </exception>
    /// <exception cref="InvalidOperationException">The source does not keep its contract. The message says how.</exception>
    /// <exception cref="OperationCanceledException">The caller cancelled.</exception>
    public static IAsyncEnumerable<ReencryptionProgress> RunAsync<TItem>(
        IReencryptionSource<TItem> source,
        ReencryptionKey from,
        ReencryptionKey to,
        ReencryptionOptions? options = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(from);
        ArgumentNullException.ThrowIfNull(to);
        if (from.Form == ReencryptionForm.Plaintext && to.Form == ReencryptionForm.Plaintext)
        {
            throw new ArgumentException("There is nothing to do: neither side has a key.", nameof(to));
        }

        return RunCoreAsync(source, from, to, ReencryptionOptions.Snapshot(options, nameof(options)), cancellationToken);
    }

    /// <summary>
    /// Counts the items of a source by their keys, without decrypting them: reads the headers of messages and the key ids of values.
    /// </summary>
    /// <remarks>
    /// Calls AWS only to open data keys that are given as a function: at most one kms:Decrypt each. The options
    /// <see cref="ReencryptionOptions.BatchSize"/> and <see cref="ReencryptionOptions.MaxItemsPerSecond"/> apply.
    /// </remarks>
    /// <typeparam name="TItem">What the source needs to find an item again.</typeparam>
    /// <param name="source">What the host has stored.</param>
    /// <param name="to">The key that all items should be under.</param>
    /// <param name="options">How to count. Null: the defaults.</param>
    /// <param name="cancellationToken">Cancels the call.</param>
    /// <returns>The count.</returns>
    /// <exception cref="ArgumentException">An option is out of range.</exception>
    /// <exception cref="ByokException">A data key that is given as a function could not be opened.</exception>
    /// <exception cref="InvalidOperationException">The source does not keep its contract. The message says how.</exception>
    /// <exception cref="OperationCanceledException">The caller cancelled.</exception>
    public static async Task<ReencryptionCount> CountAsync<TItem>(
        IReencryptionSource<TItem> source,
        ReencryptionKey to,
        ReencryptionOptions? options = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(to);
        var snapshot = ReencryptionOptions.Snapshot(options, nameof(options));
        using var key = new KeyInUse(to);
        var items = new Pace(snapshot.MaxItemsPerSecond, snapshot.TimeProvider);
        return await new ReencryptionCounting<TItem>(source, key, items, snapshot).CountAsync(cancellationToken).ConfigureAwait(false);
    }

    private static async IAsyncEnumerable<ReencryptionProgress> RunCoreAsync<TItem>(
        IReencryptionSource<TItem> source,
        ReencryptionKey from,
        ReencryptionKey to,
        ReencryptionOptions options,
        [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var run = new ReencryptionRun<TItem>(source, from, to, options);
        await foreach (var progress in run.RunAsync(cancellationToken).ConfigureAwait(false))
        {
            yield return progress;
        }
    }
}
