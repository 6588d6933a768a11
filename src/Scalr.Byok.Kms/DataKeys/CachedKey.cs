namespace Scalr.Byok.Kms.DataKeys;

/// <summary>A data key that a cache keeps.</summary>
/// <param name="Key">The key. The cache erases it; whoever meets that while using it asks the cache again.</param>
/// <param name="Owner">The customer's key that wraps it.</param>
/// <param name="CheckAsync">Asks AWS KMS to unwrap it once more, to see whether that is still allowed.</param>
/// <param name="Companion">What its user wants to have beside it.</param>
internal sealed record CachedKey(DataKey Key, KmsKeyArn Owner, Func<CancellationToken, Task> CheckAsync, object? Companion = null);
