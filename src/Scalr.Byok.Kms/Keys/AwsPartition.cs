using System.Numerics;

namespace Scalr.Byok.Kms.Keys;

/// <summary>A partition of AWS: a group of Regions with its own accounts, endpoints and ARNs.</summary>
internal enum AwsPartition : byte
{
    None,
    Aws,
    AwsCn,
    AwsUsGov,
    AwsIso,
    AwsIsoB,
    AwsIsoE,
    AwsIsoF,
    AwsEusc,
}

/// <summary>The names of the partitions and the forms of their Regions, as in <c>partitions.json</c> of AWS's SDKs.</summary>
internal static class AwsPartitions
{
    /// <summary>All names, for messages.</summary>
    public const string Names = "aws, aws-cn, aws-us-gov, aws-iso, aws-iso-b, aws-iso-e, aws-iso-f, aws-eusc";

    private static readonly string[] CommercialPrefixes = ["us-", "eu-", "ap-", "sa-", "ca-", "me-", "af-", "il-", "mx-"];
    private static readonly string[] ChinaPrefixes = ["cn-"];
    private static readonly string[] GovPrefixes = ["us-gov-"];
    private static readonly string[] IsoPrefixes = ["us-iso-"];
    private static readonly string[] IsoBPrefixes = ["us-isob-"];
    private static readonly string[] IsoEPrefixes = ["eu-isoe-"];
    private static readonly string[] IsoFPrefixes = ["us-isof-"];
    private static readonly string[] EuscPrefixes = ["eusc-de-"];

    public static ReadOnlySpan<AwsPartition> All =>
    [
        AwsPartition.Aws, AwsPartition.AwsCn, AwsPartition.AwsUsGov, AwsPartition.AwsIso,
        AwsPartition.AwsIsoB, AwsPartition.AwsIsoE, AwsPartition.AwsIsoF, AwsPartition.AwsEusc,
    ];

    public static string Name(this AwsPartition partition) => partition switch
    {
        AwsPartition.Aws => "aws",
        AwsPartition.AwsCn => "aws-cn",
        AwsPartition.AwsUsGov => "aws-us-gov",
        AwsPartition.AwsIso => "aws-iso",
        AwsPartition.AwsIsoB => "aws-iso-b",
        AwsPartition.AwsIsoE => "aws-iso-e",
        AwsPartition.AwsIsoF => "aws-iso-f",
        AwsPartition.AwsEusc => "aws-eusc",
        _ => "",
    };

    /// <summary>The prefixes of the partition's Regions. A name in letters, a hyphen and a number follow.</summary>
    public static ReadOnlySpan<string> RegionPrefixes(this AwsPartition partition) => partition switch
    {
        AwsPartition.Aws => CommercialPrefixes,
        AwsPartition.AwsCn => ChinaPrefixes,
        AwsPartition.AwsUsGov => GovPrefixes,
        AwsPartition.AwsIso => IsoPrefixes,
        AwsPartition.AwsIsoB => IsoBPrefixes,
        AwsPartition.AwsIsoE => IsoEPrefixes,
        AwsPartition.AwsIsoF => IsoFPrefixes,
        AwsPartition.AwsEusc => EuscPrefixes,
        _ => [],
    };

    /// <summary>A Region of the partition, as an example in messages.</summary>
    public static string ExampleRegion(this AwsPartition partition) => partition switch
    {
        AwsPartition.Aws => "us-east-1",
        AwsPartition.AwsCn => "cn-north-1",
        AwsPartition.AwsUsGov => "us-gov-west-1",
        AwsPartition.AwsIso => "us-iso-east-1",
        AwsPartition.AwsIsoB => "us-isob-east-1",
        AwsPartition.AwsIsoE => "eu-isoe-west-1",
        AwsPartition.AwsIsoF => "us-isof-south-1",
        AwsPartition.AwsEusc => "eusc-de-east-1",
        _ => "",
    };

    public static bool TryParse<T>(ReadOnlySpan<T> text, out AwsPartition partition) where T : unmanaged, IBinaryInteger<T>
    {
        foreach (var candidate in All)
        {
            if (text.Is(candidate.Name()))
            {
                partition = candidate;
                return true;
            }
        }

        partition = AwsPartition.None;
        return false;
    }
}
