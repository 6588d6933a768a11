using Microsoft.Extensions.Options;
using Scalr.Byok.Kms.Credentials;

namespace Scalr.Byok.Kms.KeyRing;

/// <summary>The rings that the host has added, to find out which one a name means.</summary>
internal sealed class HostRings : IOidcRings
{
    private readonly HashSet<string> _names;
    private readonly bool _hasTenants;
    private readonly TenantNames _tenants;
    private readonly Func<string, ByokKeySettings> _read;

    /// <param name="names">The names of the rings of <c>AddKeyRing</c>; empty for the unnamed ring.</param>
    /// <param name="hasTenants">Whether the host called <c>AddTenantKeyRings</c>.</param>
    /// <param name="tenants">Decides which names mean the same tenant.</param>
    /// <param name="read">
    /// Reads the current settings of a ring of <c>AddKeyRing</c>; may throw <see cref="OptionsValidationException"/>.
    /// </param>
    public HostRings(IEnumerable<string> names, bool hasTenants, TenantNames tenants, Func<string, ByokKeySettings> read)
    {
        _read = read;
        _names = new HashSet<string>(names, StringComparer.Ordinal);
        _hasTenants = hasTenants;
        _tenants = tenants;
    }

    public IReadOnlySet<string> Names => _names;

    /// <summary>
    /// Finds the owner of the ring with a name. A name that both a tenant and a ring of <c>AddKeyRing</c> can have belongs to the tenant,
    /// because a customer may have chosen it.
    /// </summary>
    /// <param name="name">The tenant, or the name of a ring of <c>AddKeyRing</c>; null for the unnamed ring.</param>
    /// <param name="parameterName">The parameter of the public method, for the exception.</param>
    /// <exception cref="ArgumentException">The name is empty, has more than 1,000 characters or is not valid Unicode.</exception>
    public RingOwner Find(string? name, string parameterName) => name switch
    {
        null => RingOwner.Unnamed,
        _ when !_hasTenants && _names.Contains(name) && name.Length > 0 => RingOwner.Ring(name),
        _ => RingOwner.OfTenant(_tenants.Checked(name, parameterName)),
    };

    public IEnumerable<string> UsingOidc() => _names.Where(name => Read(name) is { } settings && UsesOidc(settings));

    public string Canonical(string tenant) => _tenants.Canonical(tenant);

    private static bool UsesOidc(ByokKeySettings settings) =>
        (settings.PreviousKeys ?? []).Select(key => key?.Credentials).Append(settings.Credentials)
            .Any(credentials => string.Equals(credentials?.Type, ByokCredentialSettings.OidcType, StringComparison.OrdinalIgnoreCase));

    /// <summary>The settings of a ring; null if they are invalid, because then there is no ring.</summary>
    private ByokKeySettings? Read(string name)
    {
        try
        {
            return _read(name);
        }
        catch (OptionsValidationException)
        {
            return null;
        }
    }
}
