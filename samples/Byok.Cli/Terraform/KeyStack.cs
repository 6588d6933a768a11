using Byok.Cli.Commands;
using Scalr.Byok.Kms;

namespace Byok.Cli.Terraform;

/// <summary>
/// A whole Terraform configuration for the customer's account: the key with its replicas, unless there is one already, and who may use it.
/// The policies are those of <see cref="ByokPolicies"/>, with references to the resources that Terraform creates.
/// </summary>
internal sealed class KeyStack
{
    /// <summary>The placeholder for the account in which Terraform runs.</summary>
    public const string AnyAccount = "111122223333";

    private const string AnyKeyId = "mrk-00000000000000000000000000000000";
    private const string DeletionWindow = "30";

    private readonly HclBody _stack = new();
    private readonly Dictionary<string, string> _references = [];
    private readonly KmsKeyArn _key;
    private readonly IReadOnlyList<string> _replicaRegions;
    private readonly string _permissions;

    private KeyStack(KmsKeyArn key, bool exists, IReadOnlyList<string> replicaRegions, string permissions)
    {
        _key = key;
        _replicaRegions = replicaRegions;
        _permissions = permissions;
        AddProviders(exists ? [] : replicaRegions);
        if (!exists)
        {
            AddKey();
        }
    }

    /// <param name="settings">The key ARN and the replicas, if there are any.</param>
    /// <param name="region">The Region in which a new key is created.</param>
    /// <param name="describeKey">Whether kms:DescribeKey is allowed.</param>
    /// <param name="encryptionContext">Pairs that the encryption context of each request must have.</param>
    /// <exception cref="UsageException">The key ARN or the Region is invalid.</exception>
    public static KeyStack For(
        ByokKeySettings settings, string region, bool describeKey = true, IReadOnlyDictionary<string, string>? encryptionContext = null)
    {
        KeyStack Make(KmsKeyArn key, bool exists, string[] replicaRegions) =>
            new(key, exists, replicaRegions, ByokPolicies.KeyPermissions(key, replicaRegions, describeKey, encryptionContext));

        if (PolicyOptions.FindKeyArn(settings) is { } existing)
        {
            return Make(existing, exists: true, [.. settings.ReplicaRegions]);
        }

        var key = KmsKeyArn.TryParse($"arn:aws:kms:{region}:{AnyAccount}:key/{AnyKeyId}", out var made)
            ? made
            : throw new UsageException("--region is not the name of an AWS Region, such as us-east-1.");
        return Make(key, exists: false, settings.ReplicaRegions.Count > 0 ? [.. settings.ReplicaRegions] : Neighbour(region));
    }

    /// <summary>Adds an IAM user. Its access key is created by hand, so that no state file contains it.</summary>
    public string WithUser()
    {
        _stack
            .Block("resource \"aws_iam_user\" \"byok\"", new HclBody().Attribute("name", "\"byok\""))
            .Block("resource \"aws_iam_user_policy\" \"byok\"", new HclBody()
                .Attribute("name", "\"byok\"")
                .Attribute("user", "aws_iam_user.byok.name")
                .Attribute("policy", HclExpression.JsonEncode(_permissions, _references)));
        AddOutput("key_arn", KeyReference);
        AddOutput("user_name", "aws_iam_user.byok.name");
        return End();
    }

    /// <summary>Adds a role with this trust policy.</summary>
    public string WithRole(string trustPolicy)
    {
        _stack
            .Block("resource \"aws_iam_role\" \"byok\"", new HclBody()
                .Attribute("name", "\"byok\"")
                .Attribute("assume_role_policy", HclExpression.JsonEncode(trustPolicy, _references)))
            .Block("resource \"aws_iam_role_policy\" \"byok\"", new HclBody()
                .Attribute("name", "\"byok\"")
                .Attribute("role", "aws_iam_role.byok.id")
                .Attribute("policy", HclExpression.JsonEncode(_permissions, _references)));
        AddOutput("key_arn", KeyReference);
        AddOutput("role_arn", "aws_iam_role.byok.arn");
        return End();
    }

    /// <summary>Adds the identity provider, and a role with this trust policy.</summary>
    /// <param name="trustPolicy">The trust policy, which names the provider in the account.</param>
    /// <param name="providerArn">The provider, as the trust policy names it.</param>
    /// <param name="providerHost">The provider, without https://.</param>
    /// <param name="audience">The audience of its tokens.</param>
    public string WithProviderAndRole(string trustPolicy, string providerArn, string providerHost, string audience)
    {
        _references[providerArn] = "aws_iam_openid_connect_provider.host.arn";
        _stack.Block("resource \"aws_iam_openid_connect_provider\" \"host\"", new HclBody()
            .Attribute("url", HclExpression.Quote($"https://{providerHost}"))
            .Attribute("client_id_list", $"[{HclExpression.Quote(audience)}]"));
        return WithRole(trustPolicy);
    }

    /// <summary>The default Regions of replicas, in the same part of the world as the key.</summary>
    private static string[] Neighbour(string region) =>
        region switch { "us-east-1" => ["us-east-2"], "us-east-2" => ["us-east-1"], _ => [] };

    private static string Name(string region) => region.Replace('-', '_');

    private string KeyReference => _references.TryGetValue(_key.ToString(), out var made) ? made : HclExpression.Quote(_key.ToString());

    private void AddProviders(IReadOnlyList<string> replicaRegions)
    {
        var aws = new HclBody().Attribute("source", "\"hashicorp/aws\"").Attribute("version", "\">= 5.81\"");
        _stack
            .Block(
                "terraform",
                new HclBody().Block("required_providers", new HclBody().Attribute("aws", $"{{\n{HclBody.Indented(aws.ToString())}}}")))
            .Block("provider \"aws\"", new HclBody().Attribute("region", HclExpression.Quote(_key.Region)));
        foreach (var region in replicaRegions)
        {
            _stack.Block("provider \"aws\"", new HclBody()
                .Attribute("alias", HclExpression.Quote(Name(region)))
                .Attribute("region", HclExpression.Quote(region)));
        }
    }

    private void AddKey()
    {
        _references[_key.ToString()] = "aws_kms_key.byok.arn";
        _stack.Block("resource \"aws_kms_key\" \"byok\"", new HclBody()
            .Attribute("description", "\"Bring your own key\"")
            .Attribute("multi_region", "true")
            .Attribute("enable_key_rotation", "true")
            .Attribute("deletion_window_in_days", DeletionWindow));
        foreach (var region in _replicaRegions)
        {
            _references[_key.InRegion(region).ToString()] = $"aws_kms_replica_key.{Name(region)}.arn";
            _stack.Block($"resource \"aws_kms_replica_key\" \"{Name(region)}\"", new HclBody()
                .Attribute("provider", $"aws.{Name(region)}")
                .Attribute("description", "\"Bring your own key\"")
                .Attribute("primary_key_arn", "aws_kms_key.byok.arn")
                .Attribute("deletion_window_in_days", DeletionWindow));
        }
    }

    private void AddOutput(string name, string value) => _stack.Block($"output \"{name}\"", new HclBody().Attribute("value", value));

    private string End() => _stack.ToString().TrimEnd('\n');
}
