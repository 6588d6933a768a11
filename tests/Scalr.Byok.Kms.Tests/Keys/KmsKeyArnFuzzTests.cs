using System.Text;
using CsCheck;

namespace Scalr.Byok.Kms.Tests.Keys;

[Category("Slow")]
public class KmsKeyArnFuzzTests
{
    private const int MaxComplaint = 500;

    private static readonly Gen<string> Splinter = Gen.OneOf(
        Gen.OneOf(":", "/", "-", " ", "\t", "\0", "arn:", "key/", "alias/", "mrk-", "MRK-", "kms", "s3", "aws", "us-east-1",
            "A", "F", "g", "ü", "\u00a0", "\u0661", "\uff11", "\ud800", "😀", "\ufeff"),
        Gen.Char.Array[0, 4].Select(chars => new string(chars)),
        Gen.Char[' ', '~'].Array[0, 100].Select(chars => new string(chars)));

    private static readonly Gen<string> Mutated =
        from valid in KeyArnSamples.Valid
        from cuts in Gen.Select(Gen.Int[0, 100], Gen.Int[0, 3], Splinter).Array[1, 3]
        from tail in Gen.Int[0, 20]
        select Cut(cuts.Aggregate(valid, (text, cut) => Replace(text, cut.Item1, cut.Item2, cut.Item3)), tail);

    [Test]
    public void Parse_then_ToString_gives_the_same_text()
        => KeyArnSamples.Valid.Sample(text => KmsKeyArn.TryParse(text, out var arn)
            && arn.ToString() == text
            && text == $"arn:{arn.Partition}:kms:{arn.Region}:{arn.AccountId}:key/{arn.KeyId}"
            && KmsKeyArn.Parse(Encoding.UTF8.GetBytes(text)) == arn, iter: 10_000);

    [Test]
    public void TryParse_of_a_mutated_arn_answers_or_explains()
        => Mutated.Sample(text =>
        {
            var isValid = KmsKeyArn.TryParse(text, out var arn, out var complaint);

            return KmsKeyArn.TryParse(Encoding.UTF8.GetBytes(text), out var fromUtf8) == isValid
                && fromUtf8 == arn
                && (isValid ? arn.ToString() == text && complaint is null : arn == default && IsPrintable(complaint));
        }, iter: 100_000);

    // Fewer: exceptions take most of the time, and their messages are those of TryParse.
    [Test]
    public void Parse_of_a_mutated_arn_answers_or_throws_FormatException()
        => Mutated.Sample(text =>
        {
            var isValid = KmsKeyArn.TryParse(text, out _, out var complaint);
            var ofUtf8 = Complaint(Encoding.UTF8.GetBytes(text));

            return Complaint(text) == complaint && (isValid ? ofUtf8 is null : IsPrintable(ofUtf8));
        }, iter: 20_000);

    [Test]
    public void Parse_of_any_bytes_answers_or_throws_FormatException()
        => Gen.Select(Gen.Byte.Array[0, 120], Gen.OneOf("", "arn:", "arn:aws:kms:", "alias/", "mrk-", KeyArnSamples.SingleRegion)).Sample(
            (bytes, start) =>
                IsPrintable(Complaint([.. Encoding.UTF8.GetBytes(start + "x"), .. bytes])), iter: 10_000);

    [Test]
    public void Parse_answers_whatever_the_length()
    {
        const int Length = 1_000_000;
        string[] beginnings =
        [
            "", " ", ":", "alias/", "mrk-", "arn:", "arn:aws:", "arn:aws:kms:", "arn:aws:kms:us-",
            "arn:aws:kms:us-east-1:", KeyArnSamples.SingleRegion + "/", KeyArnSamples.SingleRegion + ":",
        ];
        foreach (var filling in ":/ a1-")
        {
            string text = new(filling, Length);
            foreach (var beginning in beginnings)
            {
                var whole = beginning + text + "x";

                Assert.That(KmsKeyArn.TryParse(whole, out _, out var complaint), Is.False);
                Assert.That(IsPrintable(complaint), Is.True, complaint);
            }
        }
    }

    private static bool IsPrintable(string? complaint) =>
        complaint is { Length: > 20 and < MaxComplaint } && complaint.All(c => c is >= ' ' and <= '~');

    private static string Replace(string text, int at, int count, string splinter)
    {
        var start = Math.Min(at, text.Length);
        return text[..start] + splinter + text[Math.Min(start + count, text.Length)..];
    }

    /// <summary>Cuts the tail off one text in ten.</summary>
    private static string Cut(string text, int tail) => tail < 2 ? text[..Math.Max(0, text.Length - (tail * 30))] : text;

    private static string? Complaint(string text)
    {
        try
        {
            KmsKeyArn.Parse(text);
            return null;
        }
        catch (FormatException e)
        {
            return e.Message;
        }
    }

    private static string? Complaint(byte[] utf8Text)
    {
        try
        {
            KmsKeyArn.Parse(utf8Text);
            return null;
        }
        catch (FormatException e)
        {
            return e.Message;
        }
    }
}
