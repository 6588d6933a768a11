using static Scalr.Byok.Kms.Tests.Keys.KeyArnSamples;

namespace Scalr.Byok.Kms.Tests.Keys;

public class KmsKeyArnReplicaTests
{
    [Test]
    public void InRegion_replaces_the_region_alone()
    {
        var replica = KmsKeyArn.Parse(MultiRegion).InRegion("eu-west-3");

        Assert.That(replica.ToString(), Is.EqualTo($"arn:aws:kms:eu-west-3:111122223333:key/{Mrk}"));
        Assert.That(replica.InRegion("us-east-1"), Is.EqualTo(KmsKeyArn.Parse(MultiRegion)));
    }

    [Test]
    public void InRegion_refuses_null()
        => Assert.That(
            () => KmsKeyArn.Parse(MultiRegion).InRegion(null!), Throws.ArgumentNullException.With.Property("ParamName").EqualTo("region"));

    [TestCase("", "Not an AWS Region: the text is empty; expected a name in lower case such as 'us-east-1'. (Parameter 'region')")]
    [TestCase("US-EAST-1", "Not an AWS Region: found 'US-EAST-1'; expected a name in lower case such as 'us-east-1'. (Parameter 'region')")]
    [TestCase(
        "us-east-1a", "Not an AWS Region: found 'us-east-1a'; expected a name in lower case such as 'us-east-1'. (Parameter 'region')")]
    [TestCase("Ym9ndXMgc2VjcmV0IGZvciB0aGlzIHRlc3Q",
        "Not an AWS Region: the text, 35 characters long and not shown, is none; "
            + "expected a name in lower case such as 'us-east-1'. (Parameter 'region')")]
    [TestCase("cn-north-1",
        $"The Region 'cn-north-1' belongs to partition aws-cn; "
            + $"expected one of partition aws, where the key {MultiRegion} is. (Parameter 'region')")]
    public void InRegion_refuses_what_is_no_region_of_the_partition(string region, string message)
        => Assert.That(() => KmsKeyArn.Parse(MultiRegion).InRegion(region), Throws.ArgumentException.With.Message.EqualTo(message));

    [Test]
    public void InRegion_refuses_a_single_region_key_even_for_its_own_region()
        => Assert.That(() => KmsKeyArn.Parse(SingleRegion).InRegion("us-east-1"), Throws.InvalidOperationException.With.Message.EqualTo(
            $"The key {SingleRegion} is a single-Region key and exists in us-east-1 only. "
            + "Create a multi-Region key (its id starts with 'mrk-') and replicate it to us-east-1."));

    [Test]
    public void InRegion_refuses_the_default_value()
        => Assert.That(() => default(KmsKeyArn).InRegion("us-east-1"), Throws.InvalidOperationException.With.Message.EqualTo(
            "The KmsKeyArn is the default value and names no key; read one with KmsKeyArn.Parse."));

    [TestCase(MultiRegion, MultiRegion, true)]
    [TestCase(MultiRegion, $"arn:aws:kms:eu-west-1:111122223333:key/{Mrk}", true)]
    [TestCase(MultiRegion, $"arn:aws:kms:eu-west-1:111122223334:key/{Mrk}", false)]
    [TestCase(MultiRegion, $"arn:aws-cn:kms:cn-north-1:111122223333:key/{Mrk}", false)]
    [TestCase(MultiRegion, "arn:aws:kms:us-east-1:111122223333:key/mrk-0f3c9a527d414b8ea6d05e12c4b79f09", false)]
    [TestCase(MultiRegion, SingleRegion, false)]
    [TestCase(SingleRegion, SingleRegion, false)]
    public void IsReplicaOf_ignores_the_region_of_multi_region_keys_alone(string left, string right, bool expected)
    {
        var one = KmsKeyArn.Parse(left);
        var other = KmsKeyArn.Parse(right);

        Assert.That(one.IsReplicaOf(other), Is.EqualTo(expected));
        Assert.That(other.IsReplicaOf(one), Is.EqualTo(expected));
    }
}
