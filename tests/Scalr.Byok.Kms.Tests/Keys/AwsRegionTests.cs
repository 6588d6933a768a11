using Scalr.Byok.Kms.Keys;

namespace Scalr.Byok.Kms.Tests.Keys;

public class AwsRegionTests
{
    [Test]
    public void IsRegionOf_accepts_each_regions_own_partition_alone()
    {
        foreach ((var partition, var prefixes) in KeyArnSamples.Partitions)
        {
            foreach (var region in prefixes.Select(prefix => prefix + "central-1"))
            {
                string[] owners = [.. KeyArnSamples.Partitions.Select(p => p.Partition).Where(p => AwsRegion.IsRegionOf(p, region))];

                Assert.That(owners, Is.EqualTo(new[] { partition }), region);
                Assert.That(AwsRegion.IsRegion(region), Is.True);
            }
        }
    }

    [TestCase("")]
    [TestCase("us")]
    [TestCase("us-")]
    [TestCase("us-east")]
    [TestCase("us-east-")]
    [TestCase("us--1")]
    [TestCase("us-1")]
    [TestCase("us-east-1a")]
    [TestCase("us-east-1-1")]
    [TestCase("us-east1-1")]
    [TestCase("us-east_1-1")]
    [TestCase(" us-east-1")]
    [TestCase("us-east-1\n")]
    [TestCase("US-EAST-1")]
    [TestCase("us-eäst-1")]
    [TestCase("us-east-\u0661")]
    [TestCase("us-east-\u0131")]
    [TestCase("\u0175s-east-1")]
    [TestCase("xx-east-1")]
    [TestCase("us-gov-1-1")]
    [TestCase("eusc-fr-east-1")]
    [TestCase("aws-global")]
    [TestCase("us-abcdefghijklmnopqrstu-1")]
    [TestCase("us-east-12345678901234567890")]
    public void IsRegion_refuses_other_forms(string text) => Assert.That(AwsRegion.IsRegion(text), Is.False);

    [TestCase("")]
    [TestCase("AWS")]
    [TestCase("aws-")]
    public void IsRegionOf_knows_no_other_partition(string partition) =>
        Assert.That(AwsRegion.IsRegionOf(partition, "us-east-1"), Is.False);

    [Test]
    public void Every_partition_offers_an_example_of_its_own()
    {
        foreach (var partition in AwsPartitions.All)
        {
            Assert.That(AwsRegion.IsRegionOf(partition.Name(), partition.ExampleRegion()), Is.True);
        }

        Assert.That(AwsPartitions.All.ToArray(), Is.EquivalentTo(Enum.GetValues<AwsPartition>().Where(p => p != AwsPartition.None)));
        Assert.That(string.Join(", ", AwsPartitions.All.ToArray().Select(p => p.Name())), Is.EqualTo(AwsPartitions.Names));
    }
}
