using Amazon;

namespace Scalr.Byok.Kms.Tests;

/// <summary>
/// The AWS SDK remembers, for the process, how far an endpoint's clock is off. Here endpoints are ports of loopback, which come again: what
/// one test made of a server's clock must not meet another test's server.
/// </summary>
[SetUpFixture]
internal sealed class ClockSetup
{
    [OneTimeSetUp]
    public void TurnCorrectionOff() => AWSConfigs.CorrectForClockSkew = false;
}
