namespace Scalr.Byok.Kms.Credentials;

/// <summary>A customer's role. Copied from the settings, which belong to the host.</summary>
/// <param name="Arn">The role.</param>
/// <param name="ExternalId">The external ID of sts:AssumeRole; null if there is none.</param>
/// <param name="Audience">The audience of the token for sts:AssumeRoleWithWebIdentity; null without a token.</param>
/// <param name="Context">The tenant and the keys.</param>
internal sealed record AssumedRole(string Arn, string? ExternalId, string? Audience, ByokCredentialContext Context)
{
    /// <summary>Overridden because a record's default would print the external ID.</summary>
    public override string ToString() => Arn;
}
