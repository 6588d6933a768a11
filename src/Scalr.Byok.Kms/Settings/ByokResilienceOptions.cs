namespace Scalr.Byok.Kms;

/// <summary>Time limits for calls to AWS. The AWS SDK's own limits and retries are off.</summary>
public sealed class ByokResilienceOptions
{
    /// <summary>How long one operation of a key ring may take in AWS, all attempts together. Default 10 seconds.</summary>
    public TimeSpan TotalTimeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>How long one attempt may take, the answer's body and the renewal of credentials included. Default 2 seconds.</summary>
    public TimeSpan AttemptTimeout { get; set; } = TimeSpan.FromSeconds(2);
}
