namespace Scalr.Byok.Kms.Credentials;

/// <summary>
/// The token files of the host, and the ring that each serves. A file has one subject, so it serves one ring, unless the host shares it.
/// </summary>
internal sealed class OidcTokenFiles
{
    // Filled while the host registers its services and only read after that, so there is no lock.
    private readonly Dictionary<string, string> _byTenant = new(StringComparer.Ordinal);
    private string? _ofRing;
    private string? _shared;

    /// <summary>Whether there is a file for all rings.</summary>
    public bool IsShared => _shared is not null;

    /// <summary>Adds a file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="tenant">The tenant or ring that the file serves; null for the only ring of <c>AddKeyRing</c> that uses Oidc.</param>
    /// <exception cref="InvalidOperationException">The tenant already has a file, or the file serves another tenant.</exception>
    public void Add(string path, string? tenant)
    {
        if (tenant is null ? _ofRing is not null : _byTenant.ContainsKey(tenant))
        {
            throw new InvalidOperationException(tenant is null
                ? "A token file without a tenant was added before. Give each further one the tenant or key ring that it serves: "
                    + "AddOidcTokenFile(path, \"acme\")."
                : $"A token file for '{tenant}' was added before.");
        }

        // Full paths, because two spellings of one file would give two rings one subject.
        var full = Path.GetFullPath(path);
        if (_byTenant.Values.Append(_ofRing).Any(other => other is not null && Path.GetFullPath(other) == full))
        {
            throw new InvalidOperationException(
                "The token file was added before for another key ring. A token file has one subject, so it serves one key ring. "
                + "AddSharedOidcTokenFile lets all key rings use one file; its documentation describes the danger.");
        }

        if (tenant is null)
        {
            _ofRing = path;
        }
        else
        {
            _byTenant.Add(tenant, path);
        }
    }

    /// <summary>Adds the file of all rings without a file of their own.</summary>
    public void Share(string path) => _shared = path;

    /// <summary>The file that serves a ring, or why there is none.</summary>
    /// <param name="owner">The owner of the ring.</param>
    /// <param name="rings">The rings of the host.</param>
    public (string? Path, string? Error) Find(RingOwner owner, IOidcRings rings)
    {
        // Trust boundary: a tenant chooses the role that receives the token. So it gets only a file that the operator named for it or
        // shares, never the file of a ring of AddKeyRing.
        if (owner is { IsTenant: true, Name: { } tenant })
        {
            return FindOfTenant(tenant, rings);
        }

        if (owner.Name is { } name && _byTenant.TryGetValue(name, out var own))
        {
            return (own, null);
        }

        if (_shared is not null)
        {
            return (_shared, null);
        }

        if (_ofRing is null || !rings.Names.Contains(owner.Name ?? ""))
        {
            return (null, "has no token file for this key ring. Add one: AddOidcTokenFile(path), "
                + "or with the name of the key ring: AddOidcTokenFile(path, \"acme\")");
        }

        // The file has one subject. A second ring would present the identity of the first one to its own customer.
        return rings.UsingOidc().Any(other => other != (owner.Name ?? "") && !_byTenant.ContainsKey(other))
            ? (null, "has one token file for more than one key ring of type Oidc. A token file has one subject, so it serves one key ring. "
                + "Give each key ring a file of its own: AddOidcTokenFile(path, \"acme\")")
            : (_ofRing, null);
    }

    private (string? Path, string? Error) FindOfTenant(string tenant, IOidcRings rings)
    {
        // Compared by canonical name, because the operator may spell a tenant's name in another way than the store does.
        var own = _byTenant.Where(file => rings.Canonical(file.Key) == tenant).Select(file => file.Value).ToList();
        return (own, _shared) switch
        {
            ([_, _, ..], _) => (null, "has more than one token file for this tenant"),
            // The operator may have meant either. A wrong guess would send one customer's token to the role of another.
            ([_], _) when rings.Names.Contains(tenant) => (null,
                "has a token file for a name that a tenant and a key ring of AddKeyRing share. Give the key ring of AddKeyRing another "
                + "name"),
            ([var path], _) => (path, null),
            // The operator has chosen to share it (AddSharedOidcTokenFile).
            (_, { } shared) => (shared, null),
            _ => (
                null,
                "has no token file for this tenant. A token file has one subject, so it serves one tenant: AddOidcTokenFile(path, tenant). "
                    + "AddOidcTokens takes an issuer that makes tokens for all tenants"),
        };
    }
}
