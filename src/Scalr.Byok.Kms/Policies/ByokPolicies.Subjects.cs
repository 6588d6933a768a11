namespace Scalr.Byok.Kms;

// The subject of OIDC tokens, in tokens and trust policies.
public static partial class ByokPolicies
{
    /// <summary>The subject of a tenant's tokens, unless the host has its own mapping.</summary>
    internal static string SubjectOf(string tenant) => SubjectPrefix + tenant;

    /// <summary>Whether a trust policy can name a subject so that it accepts this subject only.</summary>
    internal static bool IsSubject(string? subject)
    {
        try
        {
            DemandSubject("subject", subject!, MaxSubjectLength, nameof(subject));
            return true;
        }
        catch (ArgumentException)
        {
            return false;
        }
    }
}
