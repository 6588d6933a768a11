using Scalr.Byok.Kms.Resilience;

namespace Scalr.Byok.Kms.DataKeys;

/// <summary>A data key that AWS KMS has wrapped.</summary>
/// <param name="Encrypted">The encrypted data key.</param>
/// <param name="Origin">Its origin.</param>
/// <param name="Sent">The moment before the request was sent.</param>
internal sealed record WrappedKey(EncryptedDataKey Encrypted, Origin Origin, Moment Sent);

/// <summary>A data key that AWS KMS has unwrapped.</summary>
/// <param name="Key">The data key. The receiver owns it.</param>
/// <param name="Origin">Its origin.</param>
/// <param name="Sent">The moment before the request was sent.</param>
internal sealed record UnwrappedKey(DataKey Key, Origin Origin, Moment Sent);
