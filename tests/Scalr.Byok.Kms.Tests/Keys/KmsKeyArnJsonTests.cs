using System.Buffers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using static Scalr.Byok.Kms.Tests.Keys.KeyArnSamples;

namespace Scalr.Byok.Kms.Tests.Keys;

public partial class KmsKeyArnJsonTests
{
    private static readonly Tenant Sample = new()
    {
        Key = KmsKeyArn.Parse(MultiRegion),
        Names = new() { [KmsKeyArn.Parse(MultiRegion)] = "now", [KmsKeyArn.Parse(SingleRegion)] = "before" },
    };

    private static readonly string SampleJson =
        $$$"""{"Key":"{{{MultiRegion}}}","Previous":null,"Names":{"{{{MultiRegion}}}":"now","{{{SingleRegion}}}":"before"}}""";

    [Test]
    public void Serialize_writes_strings_and_property_names_by_reflection_and_by_generated_code()
    {
        Assert.That(JsonSerializer.Serialize(Sample), Is.EqualTo(SampleJson));
        Assert.That(JsonSerializer.Serialize(Sample, Generated.Default.Tenant), Is.EqualTo(SampleJson));
    }

    [Test]
    public void Deserialize_reads_what_was_written()
    {
        Tenant[] read =
            [JsonSerializer.Deserialize<Tenant>(SampleJson)!, JsonSerializer.Deserialize(SampleJson, Generated.Default.Tenant)!];

        foreach (var tenant in read)
        {
            Assert.That(tenant.Key, Is.EqualTo(Sample.Key));
            Assert.That(tenant.Previous, Is.Null);
            Assert.That(tenant.Names, Is.EquivalentTo(Sample.Names));
        }
    }

    [Test]
    public void Deserialize_reads_escaped_and_split_strings()
    {
        var escaped =
            $"\"{MultiRegion.Replace("/", "\\/", StringComparison.Ordinal).Replace("arn", "\\u0061rn", StringComparison.Ordinal)}\"";
        var bytes = Encoding.UTF8.GetBytes($"\"{MultiRegion}\"");
        Utf8JsonReader split = new(Split(bytes, 20));

        Assert.That(JsonSerializer.Deserialize<KmsKeyArn>(escaped), Is.EqualTo(Sample.Key));
        Assert.That(JsonSerializer.Deserialize<KmsKeyArn>(ref split), Is.EqualTo(Sample.Key));
    }

    [TestCase("\"\"", "Not a KMS key ARN: the text is empty; expected arn:{partition}:kms:{region}:{account}:key/{key id}.")]
    [TestCase("17", "Not a KMS key ARN: the JSON value is of type Number; expected a string.")]
    [TestCase("{}", "Not a KMS key ARN: the JSON value is of type StartObject; expected a string.")]
    [TestCase("\"arn:aws-x:kms:us-east-1:111122223333:key/\"",
        "Not a KMS key ARN: the partition is 'aws-x'; "
            + "expected one of aws, aws-cn, aws-us-gov, aws-iso, aws-iso-b, aws-iso-e, aws-iso-f, aws-eusc.")]
    [TestCase("\"arn:aws-\\u00fc:kms:us-east-1:111122223333:key/\"",
        "Not a KMS key ARN: the partition is 'aws-\\u00fc'; "
            + "expected one of aws, aws-cn, aws-us-gov, aws-iso, aws-iso-b, aws-iso-e, aws-iso-f, aws-eusc.")]
    [TestCase("\"\\ud800\"", "Not a KMS key ARN: the JSON string is not valid Unicode.")]
    public void Deserialize_says_what_is_wrong(string json, string message)
        => Assert.That(() => JsonSerializer.Deserialize<KmsKeyArn>(json), Throws.TypeOf<JsonException>().With.Message.EqualTo(message));

    [Test]
    public void Deserialize_refuses_a_property_name_that_is_no_arn()
        => Assert.That(() => JsonSerializer.Deserialize<Dictionary<KmsKeyArn, int>>("""{"alias/main":1}"""), Throws.TypeOf<JsonException>()
            .With.Message.StartsWith("Not a KMS key ARN: 'alias/main' is the name of an alias;"));

    [Test]
    public void Deserialize_refuses_null_for_a_key_that_must_be_there()
        => Assert.That(() => JsonSerializer.Deserialize<KmsKeyArn>("null"), Throws.TypeOf<JsonException>());

    [Test]
    public void The_converter_can_be_created_by_code_of_other_assemblies()
        => Assert.That(typeof(KmsKeyArnJsonConverter) is { IsVisible: true } type && type.GetConstructor([]) is not null, Is.True);

    private static ReadOnlySequence<byte> Split(byte[] bytes, int at)
    {
        Segment first = new(bytes.AsMemory(0, at), 0, null);
        Segment last = new(bytes.AsMemory(at), at, first);
        return new(first, 0, last, last.Memory.Length);
    }

    internal sealed class Tenant
    {
        public KmsKeyArn Key { get; init; }

        public KmsKeyArn? Previous { get; init; }

        public Dictionary<KmsKeyArn, string> Names { get; init; } = [];
    }

    [JsonSerializable(typeof(Tenant))]
    private sealed partial class Generated : JsonSerializerContext;

    private sealed class Segment : ReadOnlySequenceSegment<byte>
    {
        public Segment(ReadOnlyMemory<byte> memory, long index, Segment? previous)
        {
            Memory = memory;
            RunningIndex = index;
            previous?.Next = this;
        }
    }
}
