using System.Collections.Concurrent;

namespace Scalr.Byok.Kms.Credentials;

/// <summary>The subject (<c>sub</c>) of each tenant's token. No two tenants have the same. Safe for concurrent use.</summary>
internal sealed class OidcSubjects
{
    private readonly IReadOnlySet<string> _ringNames;
    private readonly Func<string, string>? _map;
    private readonly ConcurrentDictionary<string, RingOwner> _owners = new(StringComparer.Ordinal); // only with a mapping
    private readonly ConcurrentDictionary<string, bool> _ambiguous = new(StringComparer.Ordinal);

    /// <param name="ringNames">The names of the rings of <c>AddKeyRing</c>.</param>
    /// <param name="map">The host's mapping from tenants to subjects; null for <c>account:</c> and the tenant.</param>
    public OidcSubjects(IReadOnlySet<string> ringNames, Func<string, string>? map)
    {
        _ringNames = ringNames;
        _map = map;
        foreach (var name in map is null ? [] : ringNames.Where(name => name.Length > 0))
        {
            AddRing(name);
        }
    }

    /// <summary>The subject of a ring's token; null for the unnamed ring, whose subject the issuer decides.</summary>
    /// <exception cref="ByokServiceException">The ring must not get a token.</exception>
    public string? Of(RingOwner owner)
    {
        if (owner.Name is not { } name)
        {
            return null;
        }

        // Trust boundary: a customer may have chosen the tenant's name. It must not match an operator's ring, whose token would be the
        // same.
        if (owner.IsTenant && _ringNames.Contains(name))
        {
            throw OidcTokens.Failed(
                "was not asked, because a tenant and a key ring of AddKeyRing have the same name, so that their tokens would be the same. "
                + "Give the key ring of AddKeyRing another name",
                isTransient: false);
        }

        var subject = Map(name);
        if (!ByokPolicies.IsSubject(subject))
        {
            throw OidcTokens.Failed(
                "was not asked, because no trust policy can safely name this tenant's subject: it is empty or longer than 255 characters, "
                + "or has a *, a ?, a ${ or a control character. Give AddOidcTokens a subject mapping",
                isTransient: false);
        }

        return _map is null || IsOwn(subject, owner)
            ? subject
            : throw OidcTokens.Failed(
                "was not asked, because the subject mapping gives this tenant's subject to another tenant as well", isTransient: false);
    }

    private void AddRing(string name)
    {
        try
        {
            _owners.TryAdd(Map(name), RingOwner.Ring(name));
        }
        catch (Exception e) when (e is ByokServiceException or ArgumentNullException)
        {
            // The ring's own request for a token reports this error.
        }
    }

    private string Map(string name)
    {
        if (_map is null)
        {
            return ByokPolicies.SubjectOf(name);
        }

        try
        {
            // The host's code. Only the type of its exception is reported, because its text may contain secrets.
            return _map(name);
        }
        catch (Exception e)
        {
            throw OidcTokens.Failed($"was not asked, because the subject mapping threw {e.GetType().Name}", isTransient: false);
        }
    }

    /// <summary>
    /// Whether no other tenant has the subject. Rings of <c>AddKeyRing</c> take precedence and can share a subject, because the operator
    /// wrote their settings. Of two tenants with one subject, neither gets a token: it is not known which one is the right one.
    /// </summary>
    private bool IsOwn(string subject, RingOwner owner)
    {
        var first = _owners.GetOrAdd(subject, owner);
        if (first.IsTenant && first != owner)
        {
            _ambiguous[subject] = true;
        }

        return (first.IsTenant || !owner.IsTenant) && !_ambiguous.ContainsKey(subject);
    }
}
