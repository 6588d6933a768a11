using System.Text;
using Scalr.Byok.Kms.DataKeys;
using Scalr.Byok.Kms.Kms;
using Scalr.Byok.Kms.Messages;

namespace Scalr.Byok.Kms.Tests.Messages;

/// <summary>
/// The bound on the length of a message is the length of a message with the longest data key that AWS KMS makes, and no less.
/// </summary>
internal sealed class EncryptedLengthTests
{
    private const string LongestArn = "arn:aws-iso-b:kms:us-isob-east-1:111122223333:key/mrk-44444444444444444444444444444444";

    private static readonly Dictionary<string, string> Pairs = new() { ["table"] = "variables", ["ключ"] = "значение" };

    [Test]
    public void Bound_is_reached_by_the_longest_data_key_and_ARN(
        [Values(0, 1, 15, 16, 17, 1000)] int plaintextLength, [Values(1, 16, 65_536)] int frameLength, [Values] bool tenant)
    {
        var pairs = tenant ? new Dictionary<string, string>(Pairs) { ["scalr:tenant"] = "acme" } : Pairs;
        var context = EncryptionContext.CreateExpected(pairs, "pairs");
        var longest = new EncryptedDataKey(
            EncryptedDataKey.AwsKms,
            Encoding.ASCII.GetBytes(new string('a', ByokMessage.LongestKeyArn)),
            new byte[AnswerChecks.LongestBlob]);
        var template = new MessageTemplate(context, [longest], frameLength);

        var bound = ByokMessage.GetMaxEncryptedLength(plaintextLength, Pairs, tenant ? "acme" : null, frameLength);

        Assert.That(Sample.Message(new byte[plaintextLength], template), Has.Length.EqualTo(bound));
    }

    [Test]
    public void Bound_without_more_is_that_of_the_default_frames()
    {
        Assert.That(
            ByokMessage.GetMaxEncryptedLength(100_000),
            Is.EqualTo(ByokMessage.GetMaxEncryptedLength(100_000, null, null, new ByokOptions().FrameLength)));
        Assert.That(ByokMessage.GetMaxEncryptedLength(0), Is.InRange(6144, 7000), "the documentation says: some 6 KB");
    }

    [Test]
    public void Constants_are_those_of_AWS()
    {
        Assert.That(ByokMessage.LongestEncryptedDataKey, Is.EqualTo(AnswerChecks.LongestBlob));
        Assert.That(KmsKeyArn.Parse(LongestArn).ToString(), Has.Length.LessThanOrEqualTo(ByokMessage.LongestKeyArn));
    }

    [Test]
    public void Lengths_that_no_message_has_are_refused()
    {
        const long mostFrames = uint.MaxValue;

        Assert.That(ByokMessage.GetMaxEncryptedLength(mostFrames, frameLength: 1), Is.GreaterThan(mostFrames * 33));
        Assert.Throws<ArgumentOutOfRangeException>(() => ByokMessage.GetMaxEncryptedLength(mostFrames + 1, frameLength: 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => ByokMessage.GetMaxEncryptedLength(-1));
        Assert.Throws<ArgumentOutOfRangeException>(() => ByokMessage.GetMaxEncryptedLength(long.MaxValue));
        Assert.Throws<ArgumentOutOfRangeException>(
            () => ByokMessage.GetMaxEncryptedLength(mostFrames * int.MaxValue, frameLength: int.MaxValue));
        Assert.Throws<ArgumentOutOfRangeException>(() => ByokMessage.GetMaxEncryptedLength(1, frameLength: 0));
        Assert.Throws<ArgumentException>(
            () => ByokMessage.GetMaxEncryptedLength(1, new Dictionary<string, string> { ["scalr:tenant"] = "acme" }));
    }
}
