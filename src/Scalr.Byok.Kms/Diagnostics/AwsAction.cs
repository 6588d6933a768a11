namespace Scalr.Byok.Kms.Diagnostics;

/// <summary>All actions that this library requests of AWS, as IAM names them.</summary>
internal static class AwsAction
{
    public const string Encrypt = "kms:Encrypt";
    public const string Decrypt = "kms:Decrypt";
    public const string DescribeKey = "kms:DescribeKey";
    public const string AssumeRole = "sts:AssumeRole";
    public const string AssumeRoleWithWebIdentity = "sts:AssumeRoleWithWebIdentity";
}
