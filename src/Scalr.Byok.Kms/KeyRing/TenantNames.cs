using System.Text;
using Scalr.Byok.Kms.Messages;

namespace Scalr.Byok.Kms.KeyRing;

/// <summary>Decides which names mean the same tenant, and which one of them rings, messages and the store get.</summary>
internal sealed class TenantNames
{
    /// <summary>Each spelling is a different tenant.</summary>
    public static readonly TenantNames Exact = new(StringComparer.Ordinal, static name => name);

    private const int Longest = 1000;

    private readonly IEqualityComparer<string> _comparer;
    private readonly Func<string, string> _canonical;

    /// <param name="comparer">Decides whether two names mean the same tenant.</param>
    /// <param name="canonical">
    /// Returns the canonical name: the same for all names of a tenant, in each process and version of the host.
    /// </param>
    public TenantNames(IEqualityComparer<string> comparer, Func<string, string> canonical)
    {
        _comparer = comparer;
        _canonical = canonical;
    }

    /// <summary>Lower case: the same for all names that differ only in case.</summary>
    /// <remarks>Converted by way of upper case: .NET compares upper case, and some letters have two lower-case forms.</remarks>
    public static string LowerCase(string tenant) => tenant.ToUpperInvariant().ToLowerInvariant();

    /// <summary>The canonical name for a name from a caller.</summary>
    /// <exception cref="ArgumentException">
    /// The name, or its canonical form, is empty, has more than 1,000 characters or is not valid Unicode.
    /// </exception>
    /// <exception cref="InvalidOperationException">The host's function returned the name of another tenant.</exception>
    public string Checked(string tenant, string parameterName)
    {
        ThrowUnlessTenant(tenant, parameterName);
        var canonical = Canonical(tenant);
        if (!ReferenceEquals(canonical, tenant))
        {
            ThrowUnlessTenant(canonical, parameterName);
        }

        return canonical;
    }

    /// <summary>The canonical name.</summary>
    /// <exception cref="InvalidOperationException">The host's function returned the name of another tenant.</exception>
    public string Canonical(string tenant)
    {
        var canonical = _canonical(tenant);
        return canonical is not null && _comparer.Equals(canonical, tenant)
            ? canonical
            : throw new InvalidOperationException(
                "The canonical name of a tenant must be equal to the tenant's name by the comparer that AddTenantKeyRings got. Give "
                + "AddTenantKeyRings a canonicalName that fits its comparer.");
    }

    /// <summary>Whether two names mean the same tenant.</summary>
    public bool AreSame(string name, string tenant) => _comparer.Equals(name, tenant);

    /// <summary>Whether a name in a message means the tenant.</summary>
    /// <param name="utf8">The name in the message.</param>
    /// <param name="tenant">The tenant.</param>
    public bool AreSame(ReadOnlySpan<byte> utf8, string tenant) => _comparer.Equals(Encoding.UTF8.GetString(utf8), tenant);

    private static void ThrowUnlessTenant(string tenant, string parameterName)
    {
        ArgumentException.ThrowIfNullOrEmpty(tenant, parameterName);
        if (tenant.Length > Longest)
        {
            throw new ArgumentException($"The tenant's name has more than {Longest} characters.", parameterName);
        }

        if (ContextSection.Measure(tenant) is null)
        {
            throw new ArgumentException("The tenant's name is not valid Unicode: it contains an unpaired surrogate.", parameterName);
        }
    }
}
