using Microsoft.Extensions.Options;
using Scalr.Byok.Kms.Resilience;

namespace Scalr.Byok.Kms.KeyRing;

/// <summary>Checks that the keys and roles of a tenant's settings are not registered for another tenant.</summary>
internal sealed class TenantOwnership
{
    private readonly IByokTenantRegistrations? _registrations;
    private readonly TenantNames _names;

    /// <param name="registrations">The host's registrations; null if the host has none.</param>
    /// <param name="names">Decides which names mean the same tenant.</param>
    /// <param name="options">The operator's options.</param>
    public TenantOwnership(IByokTenantRegistrations? registrations, TenantNames names, ByokOptions options)
    {
        _registrations = options.AllowSharedKeys ? null : registrations;
        _names = names;
    }

    /// <summary>Whether the host has registrations to check.</summary>
    public bool IsChecked => _registrations is not null;

    /// <summary>Throws if a key or role of the settings is registered for another tenant.</summary>
    /// <param name="settings">The validated settings.</param>
    /// <param name="tenant">The canonical name of the tenant.</param>
    /// <param name="cancellationToken">Cancels the call.</param>
    /// <exception cref="OptionsValidationException">Another tenant has registered a key or role. The message does not name it.</exception>
    public async ValueTask DemandAsync(ByokKeySettings settings, string tenant, CancellationToken cancellationToken)
    {
        // Trust boundary: a tenant typed these ARNs. Without this check, a guessed ARN would give it the key or role of another tenant of
        // the host.
        var foreign = await FindForeignAsync(settings, tenant, cancellationToken).ConfigureAwait(false);
        if (foreign.Count > 0)
        {
            // The message must not reveal which tenant has registered the key or role: this tenant may have guessed the ARN.
            throw new OptionsValidationException(tenant, typeof(ByokKeySettings), foreign.Select(path =>
                $"Key ring: {path} is not available to this tenant, because it is registered for another. "
                    + $"If tenants may share keys and roles, set {nameof(ByokOptions.AllowSharedKeys)}."));
        }
    }

    /// <summary>The paths of the settings whose key or role is registered for another tenant.</summary>
    /// <param name="settings">The settings.</param>
    /// <param name="tenant">The tenant; null if the settings belong to no tenant, so that any registration is another's.</param>
    /// <param name="cancellationToken">Ends the look-up.</param>
    public async ValueTask<IReadOnlyList<string>> FindForeignAsync(
        ByokKeySettings settings, string? tenant, CancellationToken cancellationToken)
    {
        var foreign = new List<string>();
        if (_registrations is null)
        {
            return foreign;
        }

        // One question per key or role: the answer may cost the host a query.
        var known = new Dictionary<string, bool>(StringComparer.Ordinal);
        foreach (var (path, resource) in ByokTenantResources.Fields(settings))
        {
            if (!known.TryGetValue(resource, out var isForeign))
            {
                var finding = _registrations.FindTenantAsync(resource, cancellationToken).AsTask();

                // The host's code may ignore the token.
                var owner = await finding.WaitObservedAsync(cancellationToken).ConfigureAwait(false);
                known[resource] = isForeign = owner is not null && (tenant is null || !_names.AreSame(owner, tenant));
            }

            if (isForeign)
            {
                foreign.Add(path);
            }
        }

        return foreign;
    }
}
