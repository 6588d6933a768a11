namespace Scalr.Byok.Kms;

/// <summary>
/// A source that knows the number of its items. Optional, beside <see cref="IReencryptionSource{TItem}"/>: a run needs it to report the
/// remaining time.
/// </summary>
public interface ICountedReencryptionSource
{
    /// <summary>The number of items. Called once, when a run starts. An estimate is enough.</summary>
    /// <param name="after">Only items after this key count; null: all.</param>
    /// <param name="cancellationToken">Cancels the call.</param>
    ValueTask<long> CountItemsAsync(string? after, CancellationToken cancellationToken);
}
