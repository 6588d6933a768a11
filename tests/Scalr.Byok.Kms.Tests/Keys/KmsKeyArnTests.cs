using System.Globalization;
using System.Text;
using static Scalr.Byok.Kms.Tests.Keys.KeyArnSamples;

namespace Scalr.Byok.Kms.Tests.Keys;

public class KmsKeyArnTests
{
    [TestCase("aws", "us-east-1")]
    [TestCase("aws", "us-west-2")]
    [TestCase("aws", "eu-central-1")]
    [TestCase("aws", "ap-northeast-3")]
    [TestCase("aws", "ap-southeast-7")]
    [TestCase("aws", "sa-east-1")]
    [TestCase("aws", "ca-west-1")]
    [TestCase("aws", "me-central-1")]
    [TestCase("aws", "af-south-1")]
    [TestCase("aws", "il-central-1")]
    [TestCase("aws", "mx-central-1")]
    [TestCase("aws-cn", "cn-north-1")]
    [TestCase("aws-cn", "cn-northwest-1")]
    [TestCase("aws-us-gov", "us-gov-east-1")]
    [TestCase("aws-us-gov", "us-gov-west-1")]
    [TestCase("aws-iso", "us-iso-east-1")]
    [TestCase("aws-iso", "us-iso-west-1")]
    [TestCase("aws-iso-b", "us-isob-east-1")]
    [TestCase("aws-iso-b", "us-isob-west-1")]
    [TestCase("aws-iso-e", "eu-isoe-west-1")]
    [TestCase("aws-iso-f", "us-isof-east-1")]
    [TestCase("aws-iso-f", "us-isof-south-1")]
    [TestCase("aws-eusc", "eusc-de-east-1")]
    public void Parse_reads_the_parts_of_both_kinds_of_key(string partition, string region)
    {
        foreach (var id in new[] { Uuid, Mrk })
        {
            var text = $"arn:{partition}:kms:{region}:001122223333:key/{id}";

            var arn = KmsKeyArn.Parse(text);

            using (Assert.EnterMultipleScope())
            {
                Assert.That(arn.Partition, Is.EqualTo(partition));
                Assert.That(arn.Region, Is.EqualTo(region));
                Assert.That(arn.AccountId, Is.EqualTo("001122223333"));
                Assert.That(arn.KeyId, Is.EqualTo(id));
                Assert.That(arn.IsMultiRegion, Is.EqualTo(id == Mrk));
                Assert.That(arn.ToString(), Is.EqualTo(text));
                Assert.That($"{arn}", Is.EqualTo(text));
                Assert.That(KmsKeyArn.Parse(Encoding.UTF8.GetBytes(text)), Is.EqualTo(arn));
            }
        }
    }

    [TestCase("000000000000", "00000000-0000-0000-0000-000000000000")]
    [TestCase("999999999999", "ffffffff-ffff-ffff-ffff-ffffffffffff")]
    [TestCase("000000000001", "mrk-00000000000000000000000000000000")]
    [TestCase("100000000000", "mrk-ffffffffffffffffffffffffffffffff")]
    public void Parse_reads_extreme_accounts_and_ids(string account, string id)
    {
        var text = $"arn:aws:kms:us-east-1:{account}:key/{id}";

        Assert.That(KmsKeyArn.Parse(text).ToString(), Is.EqualTo(text));
    }

    [Test]
    public void Parse_refuses_null_by_its_name()
        => Assert.That(() => KmsKeyArn.Parse((string)null!), Throws.ArgumentNullException.With.Property("ParamName").EqualTo("text"));

    [Test]
    public void TryParse_takes_null_for_no_arn()
    {
        Assert.That(KmsKeyArn.TryParse((string?)null, out var arn), Is.False);
        Assert.That(arn, Is.EqualTo(default(KmsKeyArn)));
    }

    [Test]
    public void TryParse_allocates_nothing_whether_it_succeeds_or_fails()
    {
        string[] texts =
        [
            SingleRegion,
            MultiRegion,
            SingleRegion + "/x",
            "alias/some",
            Uuid,
            "",
            " ",
            "arn:aws:s3:::b",
            MultiRegion.ToUpperInvariant(),
            new('x', 5000),
        ];
        byte[][] utf8Texts = [.. texts.Select(Encoding.UTF8.GetBytes)];
        ParseAll(texts, utf8Texts);

        var before = GC.GetAllocatedBytesForCurrentThread();
        var valid = ParseAll(texts, utf8Texts);
        var allocated = GC.GetAllocatedBytesForCurrentThread() - before;

        Assert.That(valid, Is.EqualTo(4));
        Assert.That(allocated, Is.Zero);
    }

    [Test]
    public void Comparing_hashing_and_writing_allocate_nothing()
    {
        var arn = KmsKeyArn.Parse(MultiRegion);
        var utf8Text = Encoding.UTF8.GetBytes(MultiRegion);
        Compare(arn, utf8Text);

        var before = GC.GetAllocatedBytesForCurrentThread();
        var same = Compare(arn, utf8Text);
        var allocated = GC.GetAllocatedBytesForCurrentThread() - before;

        Assert.That(same, Is.True);
        Assert.That(allocated, Is.Zero);

        static bool Compare(KmsKeyArn arn, byte[] utf8Text)
        {
            Span<char> chars = stackalloc char[KmsKeyArn.MaxLength];
            return arn.TryFormat(chars, out var length) && KmsKeyArn.TryParse(chars[..length], out var other)
                && arn == other && arn.GetHashCode() == other.GetHashCode() && arn.Is(utf8Text);
        }
    }

    [Test]
    public void Equality_tells_every_part_apart()
    {
        string[] texts =
        [
            SingleRegion, MultiRegion,
            SingleRegion.Replace("us-east-1", "us-east-2", StringComparison.Ordinal),
            SingleRegion.Replace("us-east-1", "us-east-10", StringComparison.Ordinal),
            SingleRegion.Replace("111122223333", "111122223334", StringComparison.Ordinal),
            SingleRegion.Replace("0f3c", "1f3c", StringComparison.Ordinal),
            SingleRegion.Replace("9f08", "9f09", StringComparison.Ordinal),
            SingleRegion.Replace("aws:kms:us-east-1", "aws-cn:kms:cn-north-1", StringComparison.Ordinal),
        ];

        Assert.That(texts.Select(KmsKeyArn.Parse).Distinct().Count(), Is.EqualTo(texts.Length));
        Assert.That(texts.All(text => KmsKeyArn.Parse(text) == KmsKeyArn.Parse(text)), Is.True);
    }

    [Test]
    public void Is_compares_with_utf8_byte_for_byte()
    {
        var arn = KmsKeyArn.Parse(MultiRegion);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(arn.Is(Encoding.UTF8.GetBytes(MultiRegion)), Is.True);
            Assert.That(arn.Is(Encoding.UTF8.GetBytes(SingleRegion)), Is.False);
            Assert.That(arn.Is(Encoding.UTF8.GetBytes(MultiRegion + " ")), Is.False);
            Assert.That(arn.Is([]), Is.False);
            Assert.That(default(KmsKeyArn).Is([]), Is.False);
        }
    }

    [Test]
    public void The_default_value_names_no_key()
    {
        KmsKeyArn none = default;

        using (Assert.EnterMultipleScope())
        {
            Assert.That(new[] { none.ToString(), none.Partition, none.Region, none.AccountId, none.KeyId }, Is.All.Empty);
            Assert.That(none.IsMultiRegion, Is.False);
            Assert.That(none.IsReplicaOf(none), Is.False);
            Assert.That(none.TryFormat(Span<char>.Empty, out var written), Is.True);
            Assert.That(written, Is.Zero);
        }
    }

    [Test]
    public void TryFormat_writes_only_where_there_is_room()
    {
        var arn = KmsKeyArn.Parse(SingleRegion);
        for (var room = 0; room < SingleRegion.Length; room++)
        {
            var chars = new char[room];
            var bytes = new byte[room];
            Assert.That(arn.TryFormat(chars, out var charsWritten), Is.False);
            Assert.That(arn.TryFormat(bytes, out var bytesWritten), Is.False);
            Assert.That(charsWritten + bytesWritten, Is.Zero);
            Assert.That(chars, Is.All.EqualTo('\0'));
            Assert.That(bytes, Is.All.Zero);
        }

        var enough = new char[SingleRegion.Length + 1];
        Assert.That(arn.TryFormat(enough, out var length), Is.True);
        Assert.That(new string(enough, 0, length), Is.EqualTo(SingleRegion));
        Assert.That(enough[^1], Is.EqualTo('\0'));
        Assert.That(string.Create(CultureInfo.InvariantCulture, $"{arn,-100}|"), Is.EqualTo(SingleRegion.PadRight(100) + "|"));
    }

    [Test]
    public void MaxLength_is_the_longest_valid_text()
    {
        var longest = $"arn:aws-us-gov:kms:us-gov-{new string('a', 15)}-1:111122223333:key/{Uuid}";

        using (Assert.EnterMultipleScope())
        {
            Assert.That(longest, Has.Length.EqualTo(KmsKeyArn.MaxLength));
            Assert.That(KmsKeyArn.Parse(longest).ToString(), Is.EqualTo(longest));
            Assert.That(KmsKeyArn.TryParse(longest.Replace("-1:", "-12:", StringComparison.Ordinal), out _), Is.False);
        }
    }

    [Test]
    public void Parse_and_ToString_ignore_the_culture()
    {
        var strange = (CultureInfo)CultureInfo.InvariantCulture.Clone();
        strange.NumberFormat.NegativeSign = "~";
        strange.NumberFormat.NativeDigits =
        [
            "\u0660", "\u0661", "\u0662", "\u0663", "\u0664", "\u0665", "\u0666", "\u0667", "\u0668", "\u0669",
        ];
        strange.NumberFormat.DigitSubstitution = DigitShapes.NativeNational;
        var usual = CultureInfo.CurrentCulture;
        try
        {
            CultureInfo.CurrentCulture = strange;
            var arn = KmsKeyArn.Parse(SingleRegion);

            Assert.That(arn.ToString(), Is.EqualTo(SingleRegion));
            Assert.That(arn.AccountId, Is.EqualTo("111122223333"));
            Assert.That(((IFormattable)arn).ToString("X", strange), Is.EqualTo(SingleRegion));
        }
        finally
        {
            CultureInfo.CurrentCulture = usual;
        }
    }

    [Test]
    public void The_generic_interfaces_read_and_write_alike()
    {
        var utf8Text = Encoding.UTF8.GetBytes(MultiRegion);
        var bytes = new byte[KmsKeyArn.MaxLength];
        var chars = new char[KmsKeyArn.MaxLength];

        using (Assert.EnterMultipleScope())
        {
            Assert.That(Texts<KmsKeyArn>(MultiRegion), Is.EqualTo(new[] { MultiRegion, MultiRegion, MultiRegion, MultiRegion }));
            Assert.That(Utf8<KmsKeyArn>(utf8Text, bytes), Is.EqualTo(MultiRegion.Length));
            Assert.That(bytes.AsSpan(0, MultiRegion.Length).SequenceEqual(utf8Text), Is.True);
            Assert.That(((ISpanFormattable)KmsKeyArn.Parse(MultiRegion)).TryFormat(chars, out var written, "", null), Is.True);
            Assert.That(new string(chars, 0, written), Is.EqualTo(MultiRegion));
        }

        static string[] Texts<T>(string text) where T : struct, ISpanParsable<T>
        {
            var first = T.TryParse(text, null, out T a) ? a : default;
            var second = T.TryParse(text.AsSpan(), null, out T b) ? b : default;
            return [T.Parse(text, null).ToString()!, T.Parse(text.AsSpan(), null).ToString()!, first.ToString()!, second.ToString()!];
        }

        static int Utf8<T>(byte[] text, byte[] destination) where T : IUtf8SpanParsable<T>, IUtf8SpanFormattable
            => T.TryParse(text, null, out var arn) && arn.Equals(T.Parse(text, null))
                && arn.TryFormat(destination, out var written, "", null) ? written : -1;
    }

    private static int ParseAll(string[] texts, byte[][] utf8Texts)
    {
        var valid = 0;
        foreach (var text in texts)
        {
            valid += KmsKeyArn.TryParse(text, out _) ? 1 : 0;
        }

        foreach (var text in utf8Texts)
        {
            valid += KmsKeyArn.TryParse(text, out _) ? 1 : 0;
        }

        return valid;
    }
}
