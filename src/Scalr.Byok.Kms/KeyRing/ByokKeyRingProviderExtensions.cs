using Scalr.Byok.Kms.KeyRing;

namespace Scalr.Byok.Kms;

/// <summary>Additions to <see cref="IByokKeyRingProvider"/>.</summary>
public static class ByokKeyRingProviderExtensions
{
    /// <summary>
    /// As <see cref="IByokKeyRingProvider.Invalidate"/>, and reports whether the other instances of the host have been notified
    /// (<c>ShareConfirmations</c>).
    /// </summary>
    /// <remarks>
    /// Waits at most 250 milliseconds for the cache. In this instance, calls that start afterwards use the new settings in any case.
    /// </remarks>
    /// <param name="provider">The provider.</param>
    /// <param name="tenant">The tenant's name.</param>
    /// <param name="cancellationToken">Cancels the wait for the cache. The settings are discarded all the same.</param>
    /// <returns>
    /// True: the other instances use the new settings within <see cref="ByokOptions.ConfirmationInterval"/>. False: the cache did not
    /// confirm it, so the other instances use the new settings within <see cref="ByokDataKeyCacheOptions.MaxAge"/> (ConfirmationInterval if
    /// that is zero); or confirmations are not shared, and <c>Invalidate</c> must be called in each process. Also false if the provider is
    /// not the library's own.
    /// </returns>
    /// <exception cref="ArgumentNullException"><paramref name="provider"/> is null.</exception>
    /// <exception cref="ArgumentException"><paramref name="tenant"/> is null, empty, too long or not valid Unicode.</exception>
    /// <exception cref="ObjectDisposedException">The provider is disposed.</exception>
    /// <exception cref="OperationCanceledException">The caller cancelled.</exception>
    public static async Task<bool> InvalidateAsync(
        this IByokKeyRingProvider provider, string tenant, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(provider);
        if (provider is KeyRingProvider own)
        {
            return await own.InvalidateAsync(tenant).WaitAsync(cancellationToken).ConfigureAwait(false);
        }

        provider.Invalidate(tenant);
        return false;
    }
}
