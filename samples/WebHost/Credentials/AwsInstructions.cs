using System.Text.Json;
using System.Text.Json.Nodes;
using Scalr.Byok.Kms;
using WebHost.Accounts;

namespace WebHost.Credentials;

/// <summary>What a customer does in AWS for one credentials type, with their values filled in.</summary>
public sealed class AwsInstructions
{
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

    private readonly string _type;
    private readonly string _providerHost;
    private readonly string _audience;
    private readonly string _accountId;

    /// <summary>Writes the policies.</summary>
    /// <exception cref="ArgumentException">The audience cannot be in a policy.</exception>
    public AwsInstructions(KmsKeyArn key, string type, Account account, string hostAccountId, string providerHost, string audience)
    {
        ArgumentNullException.ThrowIfNull(account);
        (_type, _providerHost, _audience, _accountId) = (type, providerHost, audience, key.AccountId);
        Subject = $"account:{account.Tenant}";
        Permissions = ByokPolicies.KeyPermissions(key);
        Trust = type switch
        {
            ByokCredentialSettings.AssumeRoleType => ByokPolicies.AssumeRoleTrust(account.ExternalId, hostAccountId, key.Partition),
            ByokCredentialSettings.OidcType =>
                ByokPolicies.OidcTrustForSubject(key.AccountId, audience, Subject, providerHost, key.Partition),
            _ => null,
        };
    }

    /// <summary>The permission policy for the user or the role.</summary>
    public string Permissions { get; }

    /// <summary>The trust policy of the role; null for access keys.</summary>
    public string? Trust { get; }

    /// <summary>The subject of OIDC tokens for this account.</summary>
    public string Subject { get; }

    /// <summary>Creates the user or the role by Terraform. The access key is made by hand, so that no state file has it.</summary>
    public string Terraform()
    {
        var (kind, trust) = Trust is null ? ("user", "") : ("role", $"  assume_role_policy = {Heredoc(Trust)}");
        var provider = _type == ByokCredentialSettings.OidcType
            ? $$"""
              resource "aws_iam_openid_connect_provider" "host" {
                url            = "https://{{_providerHost}}"
                client_id_list = ["{{_audience}}"]
              }


              """
            : "";
        return $$"""
            {{provider}}resource "aws_iam_{{kind}}" "byok" {
              name = "byok"
            {{trust}}}

            resource "aws_iam_{{kind}}_policy" "byok" {
              name   = "byok"
              {{kind}}   = aws_iam_{{kind}}.byok.name
              policy = {{Heredoc(Permissions)}}}

            output "{{kind}}_arn" {
              value = aws_iam_{{kind}}.byok.arn
            }

            """;
    }

    /// <summary>A CloudFormation template that creates the user or the role.</summary>
    public string CloudFormation()
    {
        var policies = new JsonArray(new JsonObject { ["PolicyName"] = "byok", ["PolicyDocument"] = JsonNode.Parse(Permissions) });
        var properties = new JsonObject { ["Policies"] = policies };
        if (Trust is not null)
        {
            properties["AssumeRolePolicyDocument"] = JsonNode.Parse(Trust);
        }

        var kind = Trust is null ? "User" : "Role";
        var resources = new JsonObject { ["Byok"] = new JsonObject { ["Type"] = $"AWS::IAM::{kind}", ["Properties"] = properties } };
        if (_type == ByokCredentialSettings.OidcType)
        {
            resources["Host"] = new JsonObject
            {
                ["Type"] = "AWS::IAM::OIDCProvider",
                ["Properties"] = new JsonObject { ["Url"] = $"https://{_providerHost}", ["ClientIdList"] = new JsonArray(_audience) },
            };
        }

        return new JsonObject
        {
            ["AWSTemplateFormatVersion"] = "2010-09-09",
            ["Description"] = $"Access of the host to a KMS key of account {_accountId}",
            ["Resources"] = resources,
            ["Outputs"] = new JsonObject
            {
                ["Arn"] = new JsonObject { ["Value"] = new JsonObject { ["Fn::GetAtt"] = new JsonArray("Byok", "Arn") } },
            },
        }.ToJsonString(Indented);
    }

    private static string Heredoc(string json) =>
        $"<<-JSON\n{json.Replace("${", "$${", StringComparison.Ordinal).Replace("%{", "%%{", StringComparison.Ordinal)}\nJSON\n";
}
