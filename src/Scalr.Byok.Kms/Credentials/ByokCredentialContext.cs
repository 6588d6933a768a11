using Scalr.Byok.Kms.Audit;
using Scalr.Byok.Kms.Credentials;

namespace Scalr.Byok.Kms;

/// <summary>
/// The tenant and the keys that credentials are created for; a parameter of <see cref="IByokCredentialStrategy.CreateCredentials"/>.
/// </summary>
public sealed class ByokCredentialContext
{
    /// <summary>Creates the context of a tenant's credentials, for tests of a strategy.</summary>
    /// <param name="keyArns">See <see cref="KeyArns"/>.</param>
    /// <param name="tenant">See <see cref="Tenant"/>.</param>
    /// <exception cref="ArgumentNullException"><paramref name="keyArns"/> is null.</exception>
    /// <exception cref="ArgumentException"><paramref name="keyArns"/> is empty.</exception>
    public ByokCredentialContext(IReadOnlyList<KmsKeyArn> keyArns, string? tenant = null)
        : this(keyArns, tenant is null ? RingOwner.Unnamed : RingOwner.OfTenant(tenant))
    {
    }

    internal ByokCredentialContext(IReadOnlyList<KmsKeyArn> keyArns, RingOwner owner)
    {
        ArgumentNullException.ThrowIfNull(keyArns);
        if (keyArns.Count == 0)
        {
            throw new ArgumentException("Credentials need a key that they are used for.", nameof(keyArns));
        }

        KeyArns = keyArns;
        Owner = owner;
    }

    /// <summary>The tenant of <c>AddTenantKeyRings</c>, or the name of the ring of <c>AddKeyRing</c>; null for the unnamed ring.</summary>
    /// <remarks>
    /// The host sets this name; the customer typed the settings. A token, or any other proof of identity, must be created for this name.
    /// Otherwise a tenant that types another tenant's ARNs gets the other tenant's credentials ("The confused deputy problem" in the AWS
    /// IAM User Guide).
    /// </remarks>
    public string? Tenant => Owner.Name;

    /// <summary>
    /// All keys of the customer, including replicas and previous keys. The first is the key that the credentials are used for. Never empty.
    /// </summary>
    public IReadOnlyList<KmsKeyArn> KeyArns { get; }

    internal RingOwner Owner { get; }

    /// <summary>Records the requests; null if the host has no audit sink.</summary>
    internal RingAudit? Audit { get; init; }
}
