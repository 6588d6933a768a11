namespace Scalr.Byok.Kms.Credentials;

/// <summary>What a role's trust should be, so that it admits this host for this customer and nobody else.</summary>
/// <param name="Policy">The trust policy, which may hold the external ID; null if it cannot be told.</param>
/// <param name="Issuer">The URL that the OIDC identity provider in the customer's account must have; null where there is none.</param>
internal sealed record RoleTrust(string? Policy, string? Issuer = null);
