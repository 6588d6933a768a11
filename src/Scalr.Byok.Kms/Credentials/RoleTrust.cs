namespace Scalr.Byok.Kms.Credentials;

/// <summary>The trust policy that a role should have, so that it accepts this host for this customer and no one else.</summary>
/// <param name="Policy">The trust policy, which may contain the external ID; null if it is unknown.</param>
/// <param name="Issuer">The URL that the OIDC identity provider in the customer's account must have; null where there is none.</param>
internal sealed record RoleTrust(string? Policy, string? Issuer = null);
