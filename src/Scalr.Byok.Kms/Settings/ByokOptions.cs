namespace Scalr.Byok.Kms;

/// <summary>What the host's operator decides, for all customers alike. Bound by <c>AddScalrByok</c> and validated at start.</summary>
public sealed class ByokOptions
{
    /// <summary>The Regions a customer's key may be in. Left empty: us-east-1 and us-east-2.</summary>
    /// <remarks>The default is filled in after configuration was bound, so that a configured list replaces it instead of adding to it.</remarks>
    public IList<string> AllowedRegions { get; set; } = [];

    /// <summary>The host's own AWS identity, which calls sts:AssumeRole. Left empty: the AWS SDK's default credentials chain.</summary>
    public ByokHostIdentity HostIdentity { get; set; } = new();

    /// <summary>The role session name that customers see in CloudTrail. Default <c>Scalr.Byok.Kms</c>.</summary>
    /// <remarks>Characters that AWS STS does not allow become hyphens, and what is beyond 64 characters is cut.</remarks>
    public string RoleSessionName { get; set; } = "Scalr.Byok.Kms";

    /// <summary>How long a session of an assumed role lasts: 15 minutes to 12 hours, and not above the role's own maximum. Default 1 hour.</summary>
    /// <remarks>AWS allows no more than 1 hour when the host itself runs on a role (role chaining).</remarks>
    public TimeSpan SessionDuration { get; set; } = TimeSpan.FromHours(1);

    /// <summary>Other addresses for AWS KMS and AWS STS, such as VPC endpoints. Default: AWS's own regional endpoints.</summary>
    public ByokEndpoints Endpoints { get; set; } = new();

    /// <summary>Time limits for calls to AWS.</summary>
    public ByokResilienceOptions Resilience { get; set; } = new();

    /// <summary>The number of plaintext bytes in a frame of a message: 16 to 16,777,216. Default 65,536.</summary>
    public int FrameLength { get; set; } = 65_536;

    /// <summary>The most encrypted data keys a message may have: 1 to 65,535. Default 10.</summary>
    /// <remarks>Each may cost a kms:Decrypt, so without a bound a hostile message could cause thousands of calls.</remarks>
    public int MaxEncryptedDataKeys { get; set; } = 10;
}
