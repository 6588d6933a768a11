namespace Scalr.Byok.Kms;

/// <summary>
/// The host's storage of encrypted data keys, for <see cref="ByokKeyRingExtensions.GetOrCreateDataKeyAsync"/>. The host implements it.
/// </summary>
/// <remarks>
/// <b>Losing an encrypted data key loses every value under it.</b> Store it in the same database and the same backups as the values. It is
/// not secret. A table with the name as primary key is enough: adding is an insert, and an insert that violates the primary key returns
/// <see langword="false"/>. Implementations must be safe for concurrent use.
/// </remarks>
public interface IByokDataKeyStore
{
    /// <summary>Finds an encrypted data key.</summary>
    /// <param name="name">The name of the data key, for example the tenant.</param>
    /// <param name="cancellationToken">The token of the caller.</param>
    /// <returns>
    /// The encrypted data key; null if there is none of that name. Must return the stored key as soon as any process has added it. Do not
    /// read from a lagging replica.
    /// </returns>
    ValueTask<byte[]?> FindAsync(string name, CancellationToken cancellationToken);

    /// <summary>
    /// Stores an encrypted data key unless one of that name exists. Must be atomic: of several concurrent calls, one succeeds.
    /// </summary>
    /// <param name="name">The name of the data key.</param>
    /// <param name="encryptedKey">The encrypted data key: about half a kilobyte, more with a long encryption context.</param>
    /// <param name="cancellationToken">The token of the caller.</param>
    /// <returns>True if the data key is durably stored. False if one of that name exists; it must stay unchanged.</returns>
    ValueTask<bool> TryAddAsync(string name, byte[] encryptedKey, CancellationToken cancellationToken);
}
