using LocalAws;
using Scalr.Byok.Kms;

namespace Columns;

/// <summary>A customer of the host, with a KMS key in an AWS account of their own, and an IAM user for the host.</summary>
public sealed class Customer
{
    private readonly LocalAccount _account;
    private readonly ByokCredentialSettings _credentials;

    /// <summary>Sets up the customer's side.</summary>
    public Customer(LocalAwsServer aws, string accountId)
    {
        ArgumentNullException.ThrowIfNull(aws);
        _account = aws.Account(accountId);
        Key = _account.CreateKey("us-east-1", multiRegion: true);
        var accessKey = _account.CreateUser("byok", $$"""
            { "Version": "2012-10-17", "Statement": { "Effect": "Allow",
              "Action": ["kms:Encrypt", "kms:Decrypt", "kms:DescribeKey"], "Resource": "arn:aws:kms:*:{{accountId}}:key/*" } }
            """).CreateAccessKey();
        _credentials = ByokCredentialSettings.AccessKeys(accessKey.AccessKeyId, accessKey.SecretAccessKey);
    }

    /// <summary>The customer's key.</summary>
    public LocalKey Key { get; private set; }

    /// <summary>What the customer typed at the host's.</summary>
    /// <param name="previous">The customer's keys that may still decrypt.</param>
    public ByokKeySettings Settings(params LocalKey[] previous) => new()
    {
        KeyArn = Key.Arn,
        Credentials = _credentials,
        PreviousKeys = [.. previous.Select(key => new ByokPreviousKeySettings { KeyArn = key.Arn, Credentials = _credentials })],
    };

    /// <summary>The customer makes a new key.</summary>
    /// <returns>The old one.</returns>
    public LocalKey ChangeKey()
    {
        var old = Key;
        Key = _account.CreateKey("us-east-1", multiRegion: true);
        return old;
    }
}
