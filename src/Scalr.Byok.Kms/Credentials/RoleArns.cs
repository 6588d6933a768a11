namespace Scalr.Byok.Kms.Credentials;

/// <summary>Parts of a role ARN that <see cref="CredentialRules"/> found nothing wrong with: arn:partition:iam::account:role/name.</summary>
internal static class RoleArns
{
    public static string PartitionOf(string roleArn) => roleArn.Split(':')[1];

    public static string AccountOf(string roleArn) => roleArn.Split(':')[4];

    /// <summary>The ARN of a session of the role, as AWS STS tells it: without the role's path.</summary>
    public static string SessionArn(string roleArn, string sessionName) =>
        $"arn:{PartitionOf(roleArn)}:sts::{AccountOf(roleArn)}:assumed-role/{roleArn[(roleArn.LastIndexOf('/') + 1)..]}/{sessionName}";
}
