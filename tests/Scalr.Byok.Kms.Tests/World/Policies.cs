namespace Scalr.Byok.Kms.Tests.World;

/// <summary>The policies that the customers' guide prints, with the placeholders filled in.</summary>
internal static class Policies
{
    public const string AllowAssumeRole =
        """{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"sts:AssumeRole","Resource":"*"}}""";

    public static string Permissions(string keyArn, params string[] actions) =>
        $$"""
        {"Version":"2012-10-17","Statement":{"Effect":"Allow",
         "Action":[{{string.Join(',', (actions is [] ? ["kms:Encrypt", "kms:Decrypt", "kms:DescribeKey"] : actions).Select(a => $"\"{a}\""))}}],
         "Resource":"{{keyArn}}" } }
        """;

    public static string AssumeRoleTrust(string hostAccount, string externalId) =>
        $$$"""
        {"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::{{{hostAccount}}}:root" },
         "Action":"sts:AssumeRole","Condition":{"StringEquals":{"sts:ExternalId":"{{{externalId}}}" } } } ] }
        """;

    public static string OidcTrust(string account, string issuer, string audience, string subject) =>
        $$$"""
        {"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Federated":"arn:aws:iam::{{{account}}}:oidc-provider/{{{issuer}}}" },
         "Action":"sts:AssumeRoleWithWebIdentity",
         "Condition":{"StringEquals":{"{{{issuer}}}:aud":"{{{audience}}}" },"StringLike":{"{{{issuer}}}:sub":"{{{subject}}}" } } } ] }
        """;
}
