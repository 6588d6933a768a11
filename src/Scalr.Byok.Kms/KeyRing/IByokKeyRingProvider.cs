namespace Scalr.Byok.Kms;

/// <summary>Returns the key ring of each customer, created on demand from the host's settings store.</summary>
/// <remarks>
/// <para>Registered by <c>AddScalrByok().AddTenantKeyRings&lt;TStore&gt;()</c>.</para>
/// <para>
/// <b>A tenant's messages are bound to the tenant.</b> Encryption adds the pair <c>scalr:tenant</c> = the tenant's name to the encryption
/// context. Decryption and re-encryption require it. A message of another tenant, or without the pair, throws
/// <see cref="ByokDecryptionException"/> before AWS is called, even if both have the same KMS key. <c>EncryptAsync</c> of every ring throws
/// <see cref="ArgumentException"/> for pairs whose name starts with <c>scalr:</c>, so no other ring can write messages of a tenant. A ring
/// of <c>AddKeyRing</c> is bound to no tenant and decrypts the messages of all tenants with the same KMS key.
/// </para>
/// <para>
/// The tenant's name is not secret: the message and the customer's CloudTrail contain it unencrypted. Name tenants by something that never
/// changes, such as an id: messages of a renamed tenant cannot be decrypted. Names are case-sensitive unless <c>AddTenantKeyRings</c> got a
/// comparer.
/// </para>
/// <para>
/// <b>A tenant uses only its own keys and roles</b>, if the host implements <see cref="IByokTenantRegistrations"/>. They are checked each
/// time a ring is created.
/// </para>
/// <para>
/// <b>A tenant without a key of its own</b> is encrypted under the host's platform key (<c>AddPlatformKey</c>), if its settings in the
/// store are <see cref="ByokKeySettings.Platform"/>. Nothing falls back to the platform key. When such a tenant brings its key, the store
/// adds <see cref="ByokPreviousKeySettings.Platform"/> to its previous keys: then the tenant's ring decrypts messages under both keys.
/// </para>
/// <para>
/// <b>Lifetime.</b> A ring without calls for <see cref="ByokOptions.KeyRingIdleTimeout"/> is disposed and its data keys are erased. The
/// next call creates it again. An open <see cref="ByokDataKey"/> keeps its tenant's ring. Each ring has its own sessions, data keys,
/// circuit breakers and limits, so an outage or a denial of one tenant does not affect another. A ring without calls and without open data
/// keys sends nothing to AWS.
/// </para>
/// <para>
/// <b>Rejected credentials.</b> If AWS rejects a tenant's access key, role or token
/// (<see cref="ByokKeyUnavailableReason.CredentialsRejected"/>, <see cref="ByokKeyUnavailableReason.RoleNotAssumable"/>,
/// <see cref="ByokKeyUnavailableReason.TokenRejected"/>), the provider reads the tenant's settings again. If they differ, a new ring is
/// created and the call is tried once more. So an instance that missed <see cref="Invalidate"/> recovers by itself. If they are the same,
/// invalid, or not read within 5 seconds, the caller gets AWS's denial. If the store has no settings, the caller gets
/// <see cref="ByokTenantNotFoundException"/>.
/// </para>
/// <para>
/// Concurrent calls share one read. There is at most one per 5 seconds and tenant, and only while calls or health checks arrive. A call on
/// streams is repeated only if nothing was written, and its source was not read or can seek. Otherwise it throws the denial, and the next
/// call uses the new settings. The denial closes open data keys: open them again.
/// </para>
/// <para>Safe for concurrent use.</para>
/// </remarks>
public interface IByokKeyRingProvider
{
    /// <summary>Returns a tenant's key ring. Callers may keep it: each of its calls uses the tenant's current settings.</summary>
    /// <remarks>
    /// The first call for a tenant reads the store; concurrent calls share that read. Its exception goes to all of them, and the next call
    /// reads the store again. Calls of the ring may read the store too, and then throw the same exceptions. Costs no call to AWS.
    /// </remarks>
    /// <param name="tenant">The tenant's name: 1 to 1,000 characters.</param>
    /// <param name="cancellationToken">Cancels the wait, not the shared read.</param>
    /// <exception cref="ArgumentException"><paramref name="tenant"/> is null, empty, too long or not valid Unicode.</exception>
    /// <exception cref="ByokTenantNotFoundException">The store has no settings for the tenant.</exception>
    /// <exception cref="Microsoft.Extensions.Options.OptionsValidationException">
    /// The tenant's settings are invalid, or another tenant has registered a key or role in them. The exception has all validation errors,
    /// and the tenant as its <c>OptionsName</c>.
    /// </exception>
    /// <exception cref="OperationCanceledException">The caller cancelled.</exception>
    /// <exception cref="ObjectDisposedException">The provider is disposed, with the host's service provider.</exception>
    ValueTask<IByokKeyRing> GetKeyRingAsync(string tenant, CancellationToken cancellationToken = default);

    /// <summary>Discards a tenant's settings: calls that start afterwards use those in the store.</summary>
    /// <remarks>
    /// Call it in each process of the host, after the settings were stored. With <c>ShareConfirmations</c>, call it in one process: the
    /// others use the new settings within <see cref="ByokOptions.ConfirmationInterval"/>. If the cache fails, they use them within
    /// <see cref="ByokDataKeyCacheOptions.MaxAge"/>, and <see cref="ByokKeyRingProviderExtensions.InvalidateAsync"/> reports the failure.
    /// Calls under way complete with the old settings. When the last one ends, the old ring is disposed and its data keys are erased. A
    /// process without this call uses the old settings until AWS rejects their credentials, or until the ring was idle for
    /// <see cref="ByokOptions.KeyRingIdleTimeout"/>. An unknown tenant is ignored.
    /// </remarks>
    /// <param name="tenant">The tenant's name.</param>
    /// <exception cref="ArgumentException"><paramref name="tenant"/> is null, empty, too long or not valid Unicode.</exception>
    /// <exception cref="ObjectDisposedException">The provider is disposed.</exception>
    void Invalidate(string tenant);
}
