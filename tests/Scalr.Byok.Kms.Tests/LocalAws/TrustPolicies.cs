namespace Scalr.Byok.Kms.Tests.LocalAwsTests;

/// <summary>The trust policies that customers write.</summary>
internal static class TrustPolicies
{
    public static string Account(string accountId, string? externalId = null) => Principal($"arn:aws:iam::{accountId}:root", externalId);

    public static string Principal(string principal, string? externalId = null) => $$"""
        {
          "Version": "2012-10-17",
          "Statement": [
            {
              "Effect": "Allow",
              "Principal": { "AWS": "{{principal}}" },
              "Action": "sts:AssumeRole"
              {{(externalId is null ? string.Empty : $$""", "Condition": { "StringEquals": { "sts:ExternalId": "{{externalId}}" } }""")}}
            }
          ]
        }
        """;

    public static string WebIdentity(string accountId, string audience, string subject, string provider = "scalr.io") => $$"""
        {
          "Version": "2012-10-17",
          "Statement": [
            {
              "Effect": "Allow",
              "Principal": { "Federated": "arn:aws:iam::{{accountId}}:oidc-provider/{{provider}}" },
              "Action": "sts:AssumeRoleWithWebIdentity",
              "Condition": {
                "StringEquals": { "{{provider}}:aud": "{{audience}}" },
                "StringLike": { "{{provider}}:sub": "{{subject}}" }
              }
            }
          ]
        }
        """;
}
