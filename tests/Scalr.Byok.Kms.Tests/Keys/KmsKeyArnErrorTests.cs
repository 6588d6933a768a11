using System.Text;
using static Scalr.Byok.Kms.Tests.Keys.KeyArnSamples;

namespace Scalr.Byok.Kms.Tests.Keys;

public class KmsKeyArnErrorTests
{
    private const string Form = "arn:{partition}:kms:{region}:{account}:key/{key id}";
    private const string Start = "arn:aws:kms:us-east-1:111122223333:";
    private const string Names = "aws, aws-cn, aws-us-gov, aws-iso, aws-iso-b, aws-iso-e, aws-iso-f, aws-eusc";
    private const string AskKms = "'aws kms describe-key' prints it as KeyMetadata.Arn.";
    private const string IdForm =
        "expected a UUID in lower case (8-4-4-4-12 hexadecimal digits), or 'mrk-' and 32 lower-case hexadecimal digits.";
    private const string MrkForm = "after 'mrk-'; expected 32 lower-case hexadecimal digits without hyphens.";
    private const string UpperUuid = "0F3c9a52-7d41-4b8e-a6d0-5e12c4b79f08";
    private const string UpperMrk = "mrk-0F3c9a527d414b8ea6d05e12c4b79f08";

    // Nothing, or something else altogether.
    [TestCase("", $"the text is empty; expected {Form}.")]
    [TestCase(" ", $"the text is nothing but white space (1 character); expected {Form}.")]
    [TestCase("\t\r\n", $"the text is nothing but white space (3 characters); expected {Form}.")]
    [TestCase(" " + SingleRegion, "white space stands before or after the text; expected none. Remove it.")]
    [TestCase(SingleRegion + "\n", "white space stands before or after the text; expected none. Remove it.")]
    [TestCase("wJalrXUtnFEMI", $"the text, 13 characters long and not shown, does not start with 'arn:'; expected {Form}.")]
    [TestCase("ARN:aws:kms:us-east-1:1:key/1", $"the text, 29 characters long and not shown, does not start with 'arn:'; expected {Form}.")]
    [TestCase("arn", $"the text, 3 characters long and not shown, does not start with 'arn:'; expected {Form}.")]
    [TestCase("\ufeff" + SingleRegion, $"the text, 76 characters long and not shown, does not start with 'arn:'; expected {Form}.")]
    // The other names of a key.
    [TestCase("alias/main", $"'alias/main' is the name of an alias; expected the full ARN of the key it points to, {Form}. {AskKms}")]
    [TestCase(Start + "alias/main", $"the resource 'alias/main' is an alias; expected 'key/' and the id of the key it points to. {AskKms}")]
    [TestCase(Uuid, $"the text is a key id alone, without Region and account; expected the full ARN of the key, {Form}. {AskKms}")]
    [TestCase(UpperUuid, $"the text is a key id alone, without Region and account; expected the full ARN of the key, {Form}. {AskKms}")]
    [TestCase(Mrk, $"the text is a key id alone, without Region and account; expected the full ARN of the key, {Form}. {AskKms}")]
    [TestCase("key/" + Uuid, $"the text is a key id alone, without Region and account; expected the full ARN of the key, {Form}. {AskKms}")]
    // Other services.
    [TestCase("arn:aws:s3:::bucket", $"the service is 's3'; expected 'kms'. Use the ARN of a KMS key, {Form}.")]
    [TestCase(
        "arn:aws:lambda:us-east-1:111122223333:function:f", $"the service is 'lambda'; expected 'kms'. Use the ARN of a KMS key, {Form}.")]
    [TestCase("arn:aws:iam::111122223333:role/r", "the service is 'iam'; expected 'kms'. The ARN of a role belongs in the role's setting.")]
    [TestCase("arn:aws:KMS:us-east-1:111122223333:key/" + Uuid, $"the service is 'KMS'; expected 'kms'. Use the ARN of a KMS key, {Form}.")]
    [TestCase("arn:aws::us-east-1:111122223333:key/" + Uuid, $"the service is missing; expected 'kms'. Use the ARN of a KMS key, {Form}.")]
    // The number of parts.
    [TestCase("arn:", $"the text has 2 parts separated by colons; expected 6, {Form}.")]
    [TestCase("arn:aws:kms:us-east-1:key/" + Uuid, $"the text has 5 parts separated by colons; expected 6, {Form}.")]
    [TestCase(SingleRegion + ":", "the text has 7 parts separated by colons; expected 6, ending with the key id. Remove the rest.")]
    [TestCase(MultiRegion + ":a:b", "the text has 8 parts separated by colons; expected 6, ending with the key id. Remove the rest.")]
    // Part by part.
    [TestCase("arn::kms:us-east-1:111122223333:key/" + Uuid, $"the partition is missing; expected one of {Names}.")]
    [TestCase("arn:aws-us:kms:us-east-1:111122223333:key/" + Uuid, $"the partition is 'aws-us'; expected one of {Names}.")]
    [TestCase("arn:aws:kms::111122223333:key/" + Uuid, "the Region is missing; expected one of partition aws, such as 'us-east-1'.")]
    [TestCase(
        "arn:aws:kms:us-east-1a:111122223333:key/" + Uuid,
        "the Region is 'us-east-1a'; expected one of partition aws, such as 'us-east-1'.")]
    [TestCase("arn:aws:kms:cn-north-1:111122223333:key/" + Uuid,
        "the Region is 'cn-north-1', of partition aws-cn; expected one of partition aws, such as 'us-east-1'.")]
    [TestCase("arn:aws-us-gov:kms:us-east-1:111122223333:key/" + Uuid,
        "the Region is 'us-east-1', of partition aws; expected one of partition aws-us-gov, such as 'us-gov-west-1'.")]
    [TestCase("arn:aws:kms:us-east-1::key/" + Uuid, "the account is missing; expected 12 digits.")]
    [TestCase("arn:aws:kms:us-east-1:1111-2222-3333:key/" + Uuid, "the account is '1111-2222-3333'; expected 12 digits.")]
    [TestCase("arn:aws:kms:us-east-1:1111222233334:key/" + Uuid, "the account is '1111222233334'; expected 12 digits.")]
    [TestCase("arn:aws:kms:us-east-1:11112222333\u0663:key/" + Uuid, "the account is '11112222333\\u0663'; expected 12 digits.")]
    [TestCase(Start, "the resource is missing; expected 'key/' and a key id.")]
    [TestCase(Start + Uuid, $"the resource is '{Uuid}'; expected 'key/' and a key id.")]
    [TestCase(Start + "key:" + Uuid, $"the resource is 'key:{Uuid}'; expected 'key/' and a key id.")]
    [TestCase(Start + "Key/" + Uuid, $"the resource is 'Key/{Uuid}'; expected 'key/' and a key id.")]
    [TestCase(Start + "key/", $"the key id is missing; {IdForm}")]
    [TestCase(Start + "key/main", $"the key id is 'main'; {IdForm}")]
    [TestCase(Start + "key/*", $"the key id is '*'; {IdForm}")]
    [TestCase(Start + "key/0f3c9a52-7d41-4b8e-a6d0-5e12c4b79f0", $"the key id is '0f3c9a52-7d41-4b8e-a6d0-5e12c4b79f0'; {IdForm}")]
    [TestCase(Start + "key/0f3c9a527d41-4b8e-a6d0-5e12-c4b79f08", $"the key id is '0f3c9a527d41-4b8e-a6d0-5e12-c4b79f08'; {IdForm}")]
    [TestCase(Start + "key/alias/it's\u001b", $"the key id is 'alias/it\\u0027s\\u001b'; {IdForm}")]
    [TestCase(
        SingleRegion + "/versions/1", "the key id is followed by '/versions/1'; expected the ARN to end with the key id. Remove the rest.")]
    [TestCase(MultiRegion + "/", "the key id is followed by '/'; expected the ARN to end with the key id. Remove the rest.")]
    [TestCase(
        Start + "key/" + UpperUuid,
        $"the key id '{UpperUuid}' has upper-case letters; "
            + "expected lower case, as KMS prints it (IAM tells the two apart).")]
    [TestCase(
        Start + "key/" + UpperMrk,
        $"the key id '{UpperMrk}' has upper-case letters; "
            + "expected lower case, as KMS prints it (IAM tells the two apart).")]
    [TestCase(Start + "key/MRK-0f3c9a527d414b8ea6d05e12c4b79f08",
        "the key id 'MRK-0f3c9a527d414b8ea6d05e12c4b79f08' has upper-case letters; "
            + "expected lower case, as KMS prints it (IAM tells the two apart).")]
    [TestCase(Start + "key/mrk-", $"the key id 'mrk-' has 0 characters {MrkForm}")]
    [TestCase(Start + "key/mrk-" + Uuid, $"the key id 'mrk-{Uuid}' has 36 characters {MrkForm}")]
    [TestCase(
        Start + "key/mrk-0g3c9a527d414b8ea6d05e12c4b79f08",
        $"the key id 'mrk-0g3c9a527d414b8ea6d05e12c4b79f08' has 32 characters {MrkForm}")]
    public void Parse_says_what_is_wrong_and_what_was_expected(string text, string complaint)
    {
        Assert.That(() => KmsKeyArn.Parse(text), Throws.TypeOf<FormatException>().With.Message.EqualTo("Not a KMS key ARN: " + complaint));
        Assert.That(KmsKeyArn.TryParse(text, out var arn, out var collected), Is.False);
        Assert.That(collected, Is.EqualTo("Not a KMS key ARN: " + complaint));
        Assert.That(arn, Is.EqualTo(default(KmsKeyArn)));
        Assert.That(
            (KmsKeyArn.TryParse(text.AsSpan(), out arn, out var fromSpan), fromSpan, arn),
            Is.EqualTo((false, collected, default(KmsKeyArn))));
    }

    [Test]
    public void TryParse_has_no_error_for_an_ARN()
    {
        Assert.That(
            (KmsKeyArn.TryParse(SingleRegion, out var arn, out var error), error, arn.ToString()),
            Is.EqualTo((true, (string?)null, SingleRegion)));
        Assert.That(
            (KmsKeyArn.TryParse(SingleRegion.AsSpan(), out arn, out error), error, arn.ToString()),
            Is.EqualTo((true, (string?)null, SingleRegion)));
    }

    [Test]
    public void TryParse_takes_null_for_an_empty_text()
    {
        Assert.That(KmsKeyArn.TryParse(null, out _, out var error), Is.False);
        Assert.That(error, Is.EqualTo($"Not a KMS key ARN: the text is empty; expected {Form}."));
    }

    [TestCase("", $"the text is empty; expected {Form}.")]
    [TestCase("\t ", $"the text is nothing but white space (2 bytes); expected {Form}.")]
    [TestCase("ü", $"the text, 2 bytes long and not shown, does not start with 'arn:'; expected {Form}.")]
    [TestCase("\u00a0", $"the text, 2 bytes long and not shown, does not start with 'arn:'; expected {Form}.")]
    [TestCase("arn:ü:kms:us-east-1:111122223333:key/1", $"the partition is '\\xc3\\xbc'; expected one of {Names}.")]
    [TestCase(SingleRegion + "/1", "the key id is followed by '/1'; expected the ARN to end with the key id. Remove the rest.")]
    public void Parse_of_utf8_counts_and_quotes_bytes(string text, string complaint)
        => Assert.That(() => KmsKeyArn.Parse(Encoding.UTF8.GetBytes(text)), Throws.TypeOf<FormatException>()
            .With.Message.EqualTo("Not a KMS key ARN: " + complaint));

    [Test]
    public void Parse_quotes_no_more_than_64_characters()
        => Assert.That(() => KmsKeyArn.Parse("alias/" + new string('a', 94)), Throws.TypeOf<FormatException>().With.Message.EqualTo(
            $"Not a KMS key ARN: 'alias/{new string('a', 58)}'... (100 characters) is the name of an alias; "
            + $"expected the full ARN of the key it points to, {Form}. {AskKms}"));

    [TestCase("correct horse battery staple")]
    [TestCase("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")]
    [TestCase("5f8e6d1c-0b7a-4c39-9e25-d4f1a2b3c4d5")]
    public void Parse_shows_nothing_of_what_may_be_a_secret_in_the_wrong_field(string secret)
        => Assert.That(() => KmsKeyArn.Parse(secret), Throws.TypeOf<FormatException>().With.Message.Not.Contains(secret[..8]));
}
