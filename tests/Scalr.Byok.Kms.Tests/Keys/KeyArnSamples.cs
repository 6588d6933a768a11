using CsCheck;

namespace Scalr.Byok.Kms.Tests.Keys;

/// <summary>Key ARNs that the tests of this room share, and a generator of every valid one.</summary>
internal static class KeyArnSamples
{
    public const string Uuid = "0f3c9a52-7d41-4b8e-a6d0-5e12c4b79f08";
    public const string Mrk = "mrk-0f3c9a527d414b8ea6d05e12c4b79f08";
    public const string SingleRegion = $"arn:aws:kms:us-east-1:111122223333:key/{Uuid}";
    public const string MultiRegion = $"arn:aws:kms:us-east-1:111122223333:key/{Mrk}";

    public static readonly (string Partition, string[] RegionPrefixes)[] Partitions =
    [
        ("aws", ["us-", "eu-", "ap-", "sa-", "ca-", "me-", "af-", "il-", "mx-"]),
        ("aws-cn", ["cn-"]),
        ("aws-us-gov", ["us-gov-"]),
        ("aws-iso", ["us-iso-"]),
        ("aws-iso-b", ["us-isob-"]),
        ("aws-iso-e", ["eu-isoe-"]),
        ("aws-iso-f", ["us-isof-"]),
        ("aws-eusc", ["eusc-de-"]),
    ];

    public static readonly Gen<string> Valid =
        from partition in Gen.OneOf(Partitions)
        from prefix in Gen.OneOf(partition.RegionPrefixes)
        from name in Gen.Char['a', 'z'].Array[1, 12].Select(letters => new string(letters))
        from number in Gen.Int[0, 99]
        from account in Gen.Long[0, 999_999_999_999]
        from id in Gen.Guid
        from isMultiRegion in Gen.Bool
        select $"arn:{partition.Partition}:kms:{prefix}{name}-{number}:{account:D12}"
            + $":key/{(isMultiRegion ? "mrk-" + id.ToString("N") : id.ToString("D"))}";
}
