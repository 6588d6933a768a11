using Scalr.Byok.Kms.Credentials;

namespace Scalr.Byok.Kms;

/// <summary>The request for a token: the tenant, and the role and key that it is for. Contains no secret.</summary>
/// <remarks>
/// The customer typed <see cref="Audience"/>, <see cref="RoleArn"/> and <see cref="KeyArn"/>, possibly those of another customer. Only
/// <see cref="Tenant"/> and <see cref="Subject"/> identify the tenant.
/// </remarks>
public sealed class OidcTokenRequest
{
    /// <summary>The tenant of <c>AddTenantKeyRings</c>, or the name of the ring of <c>AddKeyRing</c>; null for the unnamed ring.</summary>
    public string? Tenant { get; init; }

    /// <summary>
    /// The <c>sub</c> that the token must have: <c>account:</c> and <see cref="Tenant"/>, or the result of the mapping given to
    /// <c>AddOidcTokens</c>. Null without a tenant: the issuer chooses the <c>sub</c>.
    /// </summary>
    /// <remarks>For a tenant of <c>AddTenantKeyRings</c>, a token with another <c>sub</c> is not sent to AWS.</remarks>
    public string? Subject { get; init; }

    /// <summary>The <c>aud</c> that the token must have, from the customer's settings.</summary>
    public required string Audience { get; init; }

    /// <summary>The role that the token will be exchanged for, from the customer's settings.</summary>
    public required string RoleArn { get; init; }

    /// <summary>The key that the role's session is used for, in its Region, from the customer's settings.</summary>
    public required KmsKeyArn KeyArn { get; init; }

    /// <summary>Whether <see cref="Tenant"/> is a tenant rather than the name of a ring of <c>AddKeyRing</c>.</summary>
    internal bool IsTenant { get; init; } = true;

    internal RingOwner Owner => Tenant is null ? RingOwner.Unnamed : new RingOwner(Tenant, IsTenant);

    /// <summary>The tenant, the role and the key.</summary>
    public override string ToString() => $"{Tenant ?? "(no tenant)"}: {RoleArn}, {KeyArn}";
}
