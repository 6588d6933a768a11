using Scalr.Byok.Kms.DataKeys;
using Scalr.Byok.Kms.Diagnostics;
using Scalr.Byok.Kms.Resilience;

namespace Scalr.Byok.Kms.Tests.DataKeys;

internal sealed class DenialTests
{
    private static readonly KmsKeyArn Arn = KmsKeyArn.Parse("arn:aws:kms:us-east-1:111122223333:key/mrk-0000000000000000000000000000000c");

    [Test]
    public void A_replicas_denial_does_not_take_the_place_of_the_primarys()
    {
        AgeClock clock = new(TimeProvider.System);
        Denial denial = new(Error(ByokKeyUnavailableReason.KeyDisabled), clock.Mark(), region: 0, isOfKey: true, TimeSpan.FromSeconds(60));
        var again = clock.Mark();

        denial.Repeat(Error(ByokKeyUnavailableReason.AccessDenied), again, region: 1);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(denial.Region, Is.Zero, "only the primary Region can take its denial back");
            Assert.That(denial.Error.Reason, Is.EqualTo(ByokKeyUnavailableReason.KeyDisabled));
            Assert.That(denial.Arrived, Is.EqualTo(again));
        }
    }

    [Test]
    public void The_primarys_denial_takes_the_place_of_a_replicas()
    {
        AgeClock clock = new(TimeProvider.System);
        Denial denial = new(Error(ByokKeyUnavailableReason.AccessDenied), clock.Mark(), region: 1, isOfKey: true, TimeSpan.FromSeconds(60));

        denial.Repeat(Error(ByokKeyUnavailableReason.KeyDisabled), clock.Mark(), region: 0);

        Assert.That((denial.Region, denial.Error.Reason), Is.EqualTo((0, ByokKeyUnavailableReason.KeyDisabled)));
    }

    private static ByokKeyUnavailableException Error(ByokKeyUnavailableReason reason) => new(Arn, reason, AwsAction.Decrypt);
}
