namespace Scalr.Byok.Kms.KeyRing;

/// <summary>Supplies the ring for each call of a <see cref="ForwardingKeyRing"/>: the ring of the current settings.</summary>
internal interface IRingSource : IDisposable
{
    /// <summary>The key that encrypts, in the settings that were used last.</summary>
    KmsKeyArn KeyArn { get; }

    /// <summary>Decides which messages are encrypted again, by the settings that were used last.</summary>
    ReencryptionRule Rule { get; }

    /// <summary>The ring of the last call. It may be retired.</summary>
    LeasedRing Last { get; }

    /// <summary>
    /// Whether the settings come from the host's store. Then the ring can be retired, and the settings can be read again.
    /// </summary>
    bool IsFromStore { get; }

    /// <summary>Leases the ring of the current settings.</summary>
    /// <param name="cancellationToken">Ends the wait for the store.</param>
    ValueTask<RingLease> LeaseAsync(CancellationToken cancellationToken);

    /// <summary>Reads the store again, because AWS has rejected the credentials of a ring.</summary>
    /// <param name="denied">The ring.</param>
    /// <param name="cancellationToken">Ends the wait, not the read.</param>
    /// <returns>Whether other settings are current now, so that the call can be tried again.</returns>
    /// <exception cref="ByokTenantNotFoundException">The store no longer has settings for the tenant.</exception>
    ValueTask<bool> RefreshAsync(LeasedRing denied, CancellationToken cancellationToken);

    /// <summary>The ring of the current settings, which becomes <see cref="Last"/>; null if there is none.</summary>
    LeasedRing? FindCurrent();
}
