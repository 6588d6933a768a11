using System.Text;

namespace Scalr.Byok.Kms.KeyRing;

/// <summary>Which names mean one tenant, and the one spelling of them that rings, messages and the store get.</summary>
internal sealed class TenantNames
{
    /// <summary>Every spelling is a tenant of its own.</summary>
    public static readonly TenantNames Exact = new(StringComparer.Ordinal, static name => name);

    private readonly IEqualityComparer<string> _comparer;
    private readonly Func<string, string> _canonical;

    /// <param name="comparer">Whether two names mean one tenant.</param>
    /// <param name="canonical">The spelling to use; the same for all names of a tenant, in every process and version of the host.</param>
    public TenantNames(IEqualityComparer<string> comparer, Func<string, string> canonical)
    {
        _comparer = comparer;
        _canonical = canonical;
    }

    /// <summary>Lower case, the same for all names that differ in case alone.</summary>
    /// <remarks>By way of upper case, since .NET compares upper case and some letters have two lower-case forms.</remarks>
    public static string LowerCase(string tenant) => tenant.ToUpperInvariant().ToLowerInvariant();

    /// <summary>The spelling to use.</summary>
    /// <exception cref="InvalidOperationException">The host's function returned the name of another tenant.</exception>
    public string Canonical(string tenant)
    {
        var canonical = _canonical(tenant);
        return canonical is not null && _comparer.Equals(canonical, tenant)
            ? canonical
            : throw new InvalidOperationException(
                "The canonical name of a tenant must be equal to the tenant's name by the comparer that AddKeyRings got. Give AddKeyRings a canonicalName that fits its comparer.");
    }

    /// <summary>Whether a name in a message means the tenant.</summary>
    /// <param name="utf8">The name in the message.</param>
    /// <param name="tenant">The tenant.</param>
    public bool AreSame(ReadOnlySpan<byte> utf8, string tenant) => _comparer.Equals(Encoding.UTF8.GetString(utf8), tenant);
}
