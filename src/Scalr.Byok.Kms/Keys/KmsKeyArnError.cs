using System.Numerics;

namespace Scalr.Byok.Kms.Keys;

/// <summary>The kinds of text that are not a key ARN.</summary>
internal enum KmsKeyArnFault : byte
{
    None,
    Empty,
    Blank,
    SurroundingSpace,
    AliasName,
    KeyIdAlone,
    NotAnArn,
    Service,
    TooFewParts,
    AliasArn,
    Partition,
    Region,
    Account,
    Resource,
    TrailingPath,
    TooManyParts,
    UpperCaseKeyId,
    MultiRegionKeyId,
    KeyId,
}

/// <summary>
/// Why a text is not a key ARN. The sentence is written on request only. A text that starts neither like an ARN nor like a name of KMS may
/// be a secret in the wrong field, so the sentence has only its length.
/// </summary>
internal readonly record struct KmsKeyArnError(KmsKeyArnFault Fault, Range Part, AwsPartition Partition = AwsPartition.None)
{
    private const string Form = "arn:{partition}:kms:{region}:{account}:key/{key id}";
    private const string FindKey = "'aws kms describe-key' prints it as KeyMetadata.Arn.";

    public bool IsNone => Fault == KmsKeyArnFault.None;

    /// <summary>Writes the sentence; <paramref name="text"/> is the text that was parsed.</summary>
    public string Describe<T>(ReadOnlySpan<T> text) where T : unmanaged, IBinaryInteger<T>
    {
        var part = text[Part];
        return "Not a KMS key ARN: " + Fault switch
        {
            KmsKeyArnFault.Empty => $"the text is empty; expected {Form}.",
            KmsKeyArnFault.Blank => $"the text is nothing but white space ({Quotation.Count<T>(text.Length)}); expected {Form}.",
            KmsKeyArnFault.SurroundingSpace => "white space stands before or after the text; expected none. Remove it.",
            KmsKeyArnFault.AliasName =>
                $"{Quotation.Of(part)} is the name of an alias; expected the full ARN of the key it points to, {Form}. {FindKey}",
            KmsKeyArnFault.KeyIdAlone =>
                $"the text is a key id alone, without Region and account; expected the full ARN of the key, {Form}. {FindKey}",
            KmsKeyArnFault.NotAnArn =>
                $"the text, {Quotation.Count<T>(text.Length)} long and not shown, does not start with 'arn:'; expected {Form}.",
            KmsKeyArnFault.Service => $"the service is {Found(part)}; expected 'kms'. {OtherService(part)}",
            KmsKeyArnFault.TooFewParts => $"the text has {Parts(text)} separated by colons; expected 6, {Form}.",
            KmsKeyArnFault.AliasArn =>
                $"the resource {Quotation.Of(part)} is an alias; expected 'key/' and the id of the key it points to. {FindKey}",
            KmsKeyArnFault.Partition => $"the partition is {Found(part)}; expected one of {AwsPartitions.Names}.",
            KmsKeyArnFault.Region =>
                $"the Region is {Found(part)}{RegionElsewhere(part)}; expected one of partition "
                + $"{Partition.Name()}, such as '{Partition.ExampleRegion()}'.",
            KmsKeyArnFault.Account => $"the account is {Found(part)}; expected {KmsKeyArnReader.AccountLength} digits.",
            KmsKeyArnFault.Resource => $"the resource is {Found(part)}; expected 'key/' and a key id.",
            KmsKeyArnFault.TrailingPath =>
                $"the key id is followed by {Quotation.Of(part[KmsKeyId.Length..])}; expected the ARN to end with the key id. Remove "
                + "the rest.",
            KmsKeyArnFault.TooManyParts =>
                $"the text has {Parts(text)} separated by colons; expected 6, ending with the key id. Remove the rest.",
            KmsKeyArnFault.UpperCaseKeyId =>
                $"the key id {Quotation.Of(part)} has upper-case letters; expected lower case, as KMS prints it (IAM tells the two apart).",
            KmsKeyArnFault.MultiRegionKeyId =>
                $"the key id {Quotation.Of(part)} has {Quotation.Count<T>(part.Length - 4)} after 'mrk-'; expected 32 lower-case "
                + "hexadecimal digits without hyphens.",
            KmsKeyArnFault.KeyId =>
                $"the key id is {Found(part)}; expected a UUID in lower case (8-4-4-4-12 hexadecimal digits), or 'mrk-' and 32 "
                + "lower-case hexadecimal digits.",
            _ => "nothing is wrong.",
        };
    }

    private static string Found<T>(ReadOnlySpan<T> part) where T : unmanaged, IBinaryInteger<T> =>
        part.IsEmpty ? "missing" : Quotation.Of(part);

    private static string Parts<T>(ReadOnlySpan<T> text) where T : unmanaged, IBinaryInteger<T>
    {
        var count = text.Count(T.CreateTruncating(':')) + 1;
        return count == 1 ? "1 part" : $"{count} parts";
    }

    private static string OtherService<T>(ReadOnlySpan<T> service) where T : unmanaged, IBinaryInteger<T>
        => service.Is("iam") || service.Is("sts")
            ? "The ARN of a role belongs in the role's setting."
            : $"Use the ARN of a KMS key, {Form}.";

    private static string RegionElsewhere<T>(ReadOnlySpan<T> part) where T : unmanaged, IBinaryInteger<T>
        => AwsRegion.TryParse(part, out var region) ? $", of partition {region.Partition.Name()}" : "";
}
