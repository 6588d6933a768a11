using LocalAws;
using Scalr.Byok.Kms;

namespace Fleet.Demo;

/// <summary>A customer with an AWS account, a KMS key, and a role that the host assumes.</summary>
internal sealed class Customer
{
    private readonly LocalAccount _account;
    private readonly ByokCredentialSettings _credentials;

    public Customer(LocalAwsServer aws, int number, string hostAccount)
    {
        Tenant = $"tenant-{number:D4}";
        _account = aws.Account($"1{number:D11}");
        Key = _account.CreateKey();
        var externalId = ByokPolicies.NewExternalId();
        var role = _account.CreateRole("byok", policy: $$"""
            { "Version": "2012-10-17", "Statement": { "Effect": "Allow",
              "Action": ["kms:Encrypt", "kms:Decrypt", "kms:DescribeKey"], "Resource": "arn:aws:kms:*:{{_account.Id}}:key/*" } }
            """, trustPolicy: $$"""
            { "Version": "2012-10-17", "Statement": { "Effect": "Allow",
              "Principal": { "AWS": "arn:aws:iam::{{hostAccount}}:root" }, "Action": "sts:AssumeRole",
              "Condition": { "StringEquals": { "sts:ExternalId": "{{externalId}}" } } } }
            """);
        _credentials = ByokCredentialSettings.AssumeRole(role.Arn, externalId);
        Settings = new ByokKeySettings { KeyArn = Key.Arn, Credentials = _credentials };
    }

    public string Tenant { get; }

    public LocalKey Key { get; private set; }

    /// <summary>What the host stores.</summary>
    public ByokKeySettings Settings { get; private set; }

    /// <summary>The customer changes to another key. The old one still decrypts.</summary>
    public void ChangeKey()
    {
        var old = new ByokPreviousKeySettings { KeyArn = Key.Arn, Credentials = _credentials };
        Key = _account.CreateKey();
        Settings = new ByokKeySettings { KeyArn = Key.Arn, Credentials = _credentials, PreviousKeys = [old] };
    }
}
