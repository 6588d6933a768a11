namespace Byok.Cli.Audit;

/// <summary>The kinds of findings. The first two are differences.</summary>
internal static class FindingKind
{
    /// <summary>AWS accepted a request that AWS CloudTrail does not show.</summary>
    public const string OnlyHost = "only-host";

    /// <summary>AWS CloudTrail shows a request by the host's identity that the host has not recorded.</summary>
    public const string OnlyCloudTrail = "only-cloudtrail";

    /// <summary>The host got no answer. AWS CloudTrail shows the request if AWS carried it out.</summary>
    public const string NoAnswer = "no-answer";

    /// <summary>AWS denied a request. AWS CloudTrail shows only some of these.</summary>
    public const string Failed = "failed";

    /// <summary>Another principal used the key or role.</summary>
    public const string NotTheHost = "not-the-host";
}
