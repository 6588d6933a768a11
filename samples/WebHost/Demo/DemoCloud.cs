using LocalAws;
using Scalr.Byok.Kms;

namespace WebHost.Demo;

/// <summary>
/// LocalAws in the process of the host, instead of AWS. It has an AWS account of the host with the platform key, and one AWS account for
/// each demo customer. Not used with real AWS.
/// </summary>
public sealed class DemoCloud : IAsyncDisposable
{
    private const string HostAccount = "999900001111";

    private readonly LocalKey _platformKey;
    private readonly LocalAccessKey _hostKey;
    private readonly bool _ownsAws;

    private DemoCloud(LocalAwsServer aws, bool ownsAws)
    {
        (Aws, _ownsAws) = (aws, ownsAws);
        var account = aws.Account(HostAccount);
        _platformKey = account.CreateKey("us-east-1", multiRegion: true);
        _hostKey = account.CreateUser("webhost", $$"""
            { "Version": "2012-10-17", "Statement": [
              { "Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*" },
              { "Effect": "Allow", "Action": ["kms:Encrypt", "kms:Decrypt", "kms:DescribeKey"], "Resource": "{{_platformKey.Arn}}" } ] }
            """).CreateAccessKey();
    }

    /// <summary>The stand-in for AWS.</summary>
    public LocalAwsServer Aws { get; }

    /// <summary>The configuration of a host that uses it. The operator's own configuration has precedence.</summary>
    public IReadOnlyDictionary<string, string?> Configuration => new Dictionary<string, string?>
    {
        ["Byok:Endpoints:Kms:*"] = Aws.Endpoint.ToString(),
        ["Byok:Endpoints:Sts:*"] = Aws.Endpoint.ToString(),
        ["Byok:HostAccountId"] = HostAccount,
        ["Byok:HostIdentity:AccessKeyId"] = _hostKey.AccessKeyId,
        ["Byok:HostIdentity:SecretAccessKey"] = _hostKey.SecretAccessKey,
        ["Platform:KeyArn"] = _platformKey.Arn,
        ["Platform:Credentials:Type"] = ByokCredentialSettings.HostType,
        ["Webhooks:AllowPrivateAddresses"] = "true",
        // Short, so that a demonstration need not wait. The defaults are longer.
        ["Byok:ConfirmationInterval"] = "00:00:05",
        ["Byok:RoleCheckInterval"] = "00:00:05",
        ["Byok:DataKeyCache:MaxAge"] = "00:00:20", // so long data stays readable while AWS KMS does not answer
        ["Byok:KeyEvents:HoldTime"] = "00:00:02",
    };

    /// <summary>Sets up the host's account.</summary>
    /// <param name="aws">A LocalAws that the caller owns; null starts one, which ends with this object.</param>
    public static async Task<DemoCloud> StartAsync(LocalAwsServer? aws = null) =>
        new(aws ?? await LocalAwsServer.StartAsync(), ownsAws: aws is null);

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _ownsAws ? Aws.DisposeAsync() : ValueTask.CompletedTask;
}
