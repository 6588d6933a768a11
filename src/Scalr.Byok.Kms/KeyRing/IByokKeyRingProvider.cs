namespace Scalr.Byok.Kms;

/// <summary>The key rings of many customers, made from the host's store of settings when they are asked for. Added by <c>AddScalrByok().AddKeyRings&lt;TStore&gt;()</c>.</summary>
/// <remarks>
/// <para>
/// <b>A tenant's messages are bound to the tenant.</b> Their encryption context has the pair <c>scalr:tenant</c> = the tenant's name, which is added when something is
/// encrypted and demanded when it is decrypted or rewrapped. A message of another tenant, or without the pair (one that a ring of <c>AddKeyRing</c> made, say), is a
/// <see cref="ByokDecryptionException"/> before AWS is called, even if both have the same KMS key. A caller who gives that pair to <c>EncryptAsync</c> gets an
/// <see cref="ArgumentException"/>. As all of the encryption context it stands in clear in the message and in the customer's CloudTrail. So name tenants by something that
/// never changes, such as an id: messages of a renamed tenant do not open. Names are case-sensitive unless <c>AddKeyRings</c> got a comparer.
/// </para>
/// <para>
/// A ring that was not used for <see cref="ByokOptions.KeyRingIdleTimeout"/> is disposed, its data keys are erased, and the next call makes
/// another from the store. An open <see cref="ByokDataKey"/> keeps its tenant's ring. Each ring has its own sessions, data keys, circuit
/// breakers and limits, so that an outage or a denial of one tenant neither slows nor fails another. A ring that is not used and has no
/// open data keys sends nothing to AWS.
/// </para>
/// <para>Safe for concurrent use.</para>
/// </remarks>
public interface IByokKeyRingProvider
{
    /// <summary>A tenant's key ring. It need not be kept, but may be, for as long as this provider lives: each of its calls uses the tenant's present settings.</summary>
    /// <remarks>
    /// All who ask for a tenant whose ring is not there wait for one look-up in the store, each under their own token. Its failure is everybody's, and the next caller asks the
    /// store again. A call on a ring may have to ask the store, too, and then throws what is thrown here. <see cref="IByokKeyRing.KeyArn"/> is of the settings that were used last.
    /// </remarks>
    /// <param name="tenant">The tenant's name, as the store knows it: 1 to 1,000 characters.</param>
    /// <param name="cancellationToken">Ends the wait, not the look-up that others may wait for.</param>
    /// <exception cref="ArgumentException"><paramref name="tenant"/> is null, empty, too long or not valid Unicode.</exception>
    /// <exception cref="ByokTenantNotFoundException">The store does not know the tenant.</exception>
    /// <exception cref="Microsoft.Extensions.Options.OptionsValidationException">The tenant's settings are not good; it has every complaint, and the tenant as its <c>OptionsName</c>.</exception>
    /// <exception cref="OperationCanceledException">The caller cancelled.</exception>
    /// <exception cref="ObjectDisposedException">The provider was disposed, together with the host's services.</exception>
    ValueTask<IByokKeyRing> GetKeyRingAsync(string tenant, CancellationToken cancellationToken = default);

    /// <summary>Says that a tenant's settings have changed: calls from now on use what the store has then.</summary>
    /// <remarks>
    /// Calls under way finish with the old settings, and none fails; when the last has ended, the old ring is disposed and its data keys are erased. Call it in every process
    /// of the host, once the settings are stored. A tenant that was never asked for, or that is unknown, is nothing to do.
    /// </remarks>
    /// <param name="tenant">The tenant's name.</param>
    /// <exception cref="ArgumentException"><paramref name="tenant"/> is null, empty, too long or not valid Unicode.</exception>
    /// <exception cref="ObjectDisposedException">The provider was disposed.</exception>
    void Invalidate(string tenant);
}
