namespace Scalr.Byok.Kms.DataKeys;

/// <summary>A data key that a cache keeps.</summary>
/// <param name="Key">The key. The cache erases it; whoever meets that while using it asks the cache again.</param>
/// <param name="Origin">Where it comes from.</param>
/// <param name="Companion">What its user wants to have beside it.</param>
internal sealed record CachedKey(DataKey Key, KeyOrigin Origin, object? Companion = null);
