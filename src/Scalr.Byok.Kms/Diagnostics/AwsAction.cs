namespace Scalr.Byok.Kms.Diagnostics;

/// <summary>Every action this library ever asks of AWS, as IAM names it. There are no others.</summary>
internal static class AwsAction
{
    public const string Encrypt = "kms:Encrypt";
    public const string Decrypt = "kms:Decrypt";
    public const string DescribeKey = "kms:DescribeKey";
    public const string AssumeRole = "sts:AssumeRole";
    public const string AssumeRoleWithWebIdentity = "sts:AssumeRoleWithWebIdentity";
}
