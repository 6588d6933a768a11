using static Scalr.Byok.Kms.ByokVerificationOutcome;

namespace Scalr.Byok.Kms.Tests.Verification;

internal sealed class VerificationOutcomeTests
{
    [TestCase(Passed, true)]
    [TestCase(Warning, true)]
    [TestCase(Skipped, true)]
    [TestCase(Failed, false)]
    [TestCase(Unknown, false)]
    public void A_verification_succeeds_if_each_step_has_an_outcome_and_none_failed(ByokVerificationOutcome outcome, bool succeeded)
    {
        var step = new ByokVerificationStep { Check = ByokVerificationCheck.Encrypt, Outcome = outcome, Message = "Done." };

        Assert.That(new ByokVerification { Steps = [step] }.Succeeded, Is.EqualTo(succeeded));
    }
}
