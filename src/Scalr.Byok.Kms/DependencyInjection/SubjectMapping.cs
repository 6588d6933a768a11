namespace Scalr.Byok.Kms.DependencyInjection;

/// <summary>The host's mapping from tenants to the subjects of their OIDC tokens.</summary>
internal sealed record SubjectMapping(Func<string, string> Map);
