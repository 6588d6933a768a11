namespace Scalr.Byok.Kms;

/// <summary>What can be done with a key ring's data keys beyond making and opening them.</summary>
public static class ByokDataKeyExtensions
{
    /// <summary>Opens the data key that a store has under a name; makes and stores one if there is none. However many processes do so at once, all get the same key.</summary>
    /// <param name="ring">The key ring.</param>
    /// <param name="store">The host's store of encrypted data keys.</param>
    /// <param name="name">Whose key it is: the tenant, say.</param>
    /// <param name="encryptionContext">Pairs to bind a new data key to, which one that is there must be bound to. Null: none.</param>
    /// <param name="cancellationToken">Ends the calls to AWS and to the store.</param>
    /// <returns>The data key, open. The caller disposes it.</returns>
    /// <exception cref="ArgumentException">The encryption context cannot be written, or <paramref name="name"/> is empty.</exception>
    /// <exception cref="InvalidOperationException">The store says that it has a key of that name and does not find it.</exception>
    /// <exception cref="ByokDecryptionException">What the store has is not a data key of this ring, or is bound to another encryption context.</exception>
    /// <exception cref="ByokKeyUnavailableException">The customer's key or permission is not usable.</exception>
    /// <exception cref="ByokServiceException">AWS KMS or STS could not serve the call.</exception>
    /// <remarks>What the store throws passes through unchanged.</remarks>
    public static async ValueTask<ByokDataKey> GetOrCreateDataKeyAsync(
        this IByokKeyRing ring,
        IByokDataKeyStore store,
        string name,
        IReadOnlyDictionary<string, string>? encryptionContext = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(ring);
        ArgumentNullException.ThrowIfNull(store);
        ArgumentException.ThrowIfNullOrEmpty(name);
        var stored = await store.FindAsync(name, cancellationToken).ConfigureAwait(false);
        if (stored is null)
        {
            var made = await ring.CreateDataKeyAsync(encryptionContext, cancellationToken).ConfigureAwait(false);
            try
            {
                if (await store.TryAddAsync(name, made.EncryptedKey.ToArray(), cancellationToken).ConfigureAwait(false))
                {
                    return made;
                }
            }
            catch
            {
                made.Dispose(); // whether it is stored is not known; the next call finds out
                throw;
            }

            made.Dispose();
            stored = await store.FindAsync(name, cancellationToken).ConfigureAwait(false)
                ?? throw new InvalidOperationException($"The {nameof(IByokDataKeyStore)} says that it has a data key of that name, and does not find it.");
        }

        return await ring.OpenDataKeyAsync(stored, encryptionContext, cancellationToken).ConfigureAwait(false);
    }
}
