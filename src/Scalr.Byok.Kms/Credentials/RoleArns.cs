using Scalr.Byok.Kms.Keys;

namespace Scalr.Byok.Kms.Credentials;

/// <summary>Reads the parts of a role ARN: arn:partition:iam::account:role/name.</summary>
/// <remarks>Unless a method says otherwise, the ARN must be valid by <see cref="CredentialRules"/>.</remarks>
internal static class RoleArns
{
    public static string PartitionOf(string roleArn) => roleArn.Split(':')[1];

    public static string AccountOf(string roleArn) => roleArn.Split(':')[4];

    /// <summary>The name of a role without its path; null if the text is no role.</summary>
    public static string? NameOf(string text) =>
        text.Split(':') is [.., var resource] && resource.StartsWith("role/", StringComparison.Ordinal) && resource[^1] != '/'
            ? resource[(resource.LastIndexOf('/') + 1)..]
            : null;

    /// <summary>The account in a text that may be no role ARN.</summary>
    public static bool TryAccountOf(string? text, out string account)
    {
        account = text?.Split(':') is ["arn", _, "iam", "", var found, _] && IamText.IsAccountId(found) ? found : "";
        return account.Length > 0;
    }

    /// <summary>The ARN of a session of the role, as AWS STS returns it: without the role's path.</summary>
    public static string SessionArn(string roleArn, string sessionName) =>
        $"arn:{PartitionOf(roleArn)}:sts::{AccountOf(roleArn)}:assumed-role/{roleArn[(roleArn.LastIndexOf('/') + 1)..]}/{sessionName}";
}
