using Scalr.Byok.Kms.Credentials;

namespace Scalr.Byok.Kms;

/// <summary>
/// Writes the KMS keys and IAM roles of key settings as texts that a host can register. Each key or role has exactly one text.
/// </summary>
public static class ByokTenantResources
{
    /// <summary>Returns the keys and roles of key settings, including previous keys, each once.</summary>
    /// <remarks>
    /// <para>
    /// A key is written as its ARN. A multi-Region key is written with <c>*</c> in place of the Region, because its replicas have the same
    /// key material: <c>arn:aws:kms:*:111122223333:key/mrk-…</c>.
    /// </para>
    /// <para>
    /// A role is written without its path and in lower case, for example <c>arn:aws:iam::111122223333:role/byok</c>. IAM allows no two
    /// roles in one account whose names differ in path or case alone ("IAM and AWS STS quotas" in the AWS IAM User Guide).
    /// </para>
    /// <para>
    /// Each text has at most 128 characters. A role of a host's own credentials type that is no IAM ARN is written unchanged.
    /// </para>
    /// </remarks>
    /// <param name="settings">The settings. Malformed keys and roles are left out.</param>
    /// <returns>The texts to store. Compare them by ordinal comparison.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="settings"/> is null.</exception>
    public static IReadOnlyList<string> Of(ByokKeySettings settings)
    {
        ArgumentNullException.ThrowIfNull(settings);
        return [.. Fields(settings).Select(field => field.Resource).Distinct(StringComparer.Ordinal)];
    }

    /// <summary>The resources, each with the path of its setting.</summary>
    internal static IEnumerable<(string Path, string Resource)> Fields(ByokKeySettings settings)
    {
        var previous = (settings.PreviousKeys ?? []).Select((key, i) => (Prefix: $"PreviousKeys:{i}:", key?.KeyArn, key?.Credentials));
        foreach (var (prefix, keyArn, credentials) in previous.Prepend(("", settings.KeyArn, settings.Credentials)))
        {
            if (KmsKeyArn.TryParse(keyArn, out var arn))
            {
                yield return ($"{prefix}KeyArn", OfKey(arn));
            }

            if (!string.IsNullOrWhiteSpace(credentials?.RoleArn))
            {
                yield return ($"{prefix}Credentials:RoleArn", OfRole(credentials.RoleArn));
            }
        }
    }

    private static string OfKey(KmsKeyArn arn) =>
        arn.IsMultiRegion ? $"arn:{arn.Partition}:kms:*:{arn.AccountId}:key/{arn.KeyId}" : arn.ToString();

    private static string OfRole(string roleArn) =>
        RoleArns.TryAccountOf(roleArn, out var account) && RoleArns.NameOf(roleArn) is { } name
            ? $"arn:{RoleArns.PartitionOf(roleArn)}:iam::{account}:role/{name.ToLowerInvariant()}"
            : roleArn;
}
