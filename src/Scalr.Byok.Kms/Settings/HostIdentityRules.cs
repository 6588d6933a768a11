using Scalr.Byok.Kms.Keys;

namespace Scalr.Byok.Kms.Settings;

/// <summary>Validates the host's own access key. Each message starts with the setting's name and quotes no secret.</summary>
internal static class HostIdentityRules
{
    public static void Check(List<string> errors, ByokHostIdentity host)
    {
        if (string.IsNullOrEmpty(host.AccessKeyId) != string.IsNullOrEmpty(host.SecretAccessKey))
        {
            errors.Add("HostIdentity: AccessKeyId and SecretAccessKey belong together; give both or, for the AWS SDK's default "
                + "credentials chain, neither.");
        }

        if (string.IsNullOrEmpty(host.AccessKeyId) && !string.IsNullOrEmpty(host.SessionToken))
        {
            errors.Add("HostIdentity:SessionToken is given without AccessKeyId.");
        }

        if (host.AccessKeyId is { Length: > 0 } id)
        {
            if (AccessKeyText.ComplainAboutId(id) is { } complaint)
            {
                errors.Add($"HostIdentity:AccessKeyId {complaint}");
            }
            else if (AccessKeyText.IsTemporary(id) && string.IsNullOrEmpty(host.SessionToken))
            {
                errors.Add("HostIdentity:AccessKeyId is that of a temporary session (ASIA…), which needs its SessionToken, too.");
            }
        }

        if (host.SecretAccessKey is { Length: > 0 } secret && AccessKeyText.ComplainAboutSecret(secret) is { } wrongSecret)
        {
            errors.Add($"HostIdentity:SecretAccessKey {wrongSecret}");
        }

        if (host.SessionToken is { Length: > 0 } token && AccessKeyText.ComplainAboutToken(token) is { } wrongToken)
        {
            errors.Add($"HostIdentity:SessionToken {wrongToken}");
        }
    }
}
