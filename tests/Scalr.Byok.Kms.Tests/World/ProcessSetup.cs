using Amazon;

namespace Scalr.Byok.Kms.Tests;

/// <summary>What holds for the whole process of the tests, and for the processes that they start.</summary>
[SetUpFixture]
internal sealed class ProcessSetup
{
    /// <summary>
    /// The AWS SDK remembers, for the process, how far an endpoint's clock is off. Here endpoints are ports of loopback, which come again:
    /// what one test made of a server's clock must not meet another test's server.
    /// </summary>
    [OneTimeSetUp]
    public void TurnCorrectionOff() => AWSConfigs.CorrectForClockSkew = false;

    /// <summary>
    /// A process that a test starts lives for seconds, most of which are compilation. It makes no profile of its code, and compiles again
    /// only what is called more than 0x200 times.
    /// </summary>
    [OneTimeSetUp]
    public void CompileLess()
    {
        Environment.SetEnvironmentVariable("DOTNET_TieredPGO", "0");
        Environment.SetEnvironmentVariable("DOTNET_TC_CallCountThreshold", "200");
    }
}
