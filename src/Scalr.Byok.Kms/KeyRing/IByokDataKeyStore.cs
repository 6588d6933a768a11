namespace Scalr.Byok.Kms;

/// <summary>Where the host keeps encrypted data keys, for <see cref="ByokDataKeyExtensions.GetOrCreateDataKeyAsync"/>; implemented by the host.</summary>
/// <remarks>
/// Losing an encrypted data key loses every value under it: it belongs beside the data, in the same database and the same backups. It is not secret. A table with the
/// name as its primary key is all that is needed: adding is an insert, and an insert that meets the key that is there already is the answer <see langword="false"/>.
/// </remarks>
public interface IByokDataKeyStore
{
    /// <summary>Looks up an encrypted data key.</summary>
    /// <param name="name">Whose it is: the tenant, say.</param>
    /// <param name="cancellationToken">The caller's.</param>
    /// <returns>The encrypted data key; null if there is none of that name. Once one was added, by any process, that one: from no replica that lags behind.</returns>
    ValueTask<byte[]?> FindAsync(string name, CancellationToken cancellationToken);

    /// <summary>Stores an encrypted data key if there is none of that name, as one step: of several processes that try at once, one succeeds.</summary>
    /// <param name="name">Whose it is.</param>
    /// <param name="encryptedKey">The encrypted data key; some half a kilobyte, more with a long encryption context.</param>
    /// <param name="cancellationToken">The caller's.</param>
    /// <returns>Whether it was stored, durably. False if there is one of that name; that one stays.</returns>
    ValueTask<bool> TryAddAsync(string name, byte[] encryptedKey, CancellationToken cancellationToken);
}
