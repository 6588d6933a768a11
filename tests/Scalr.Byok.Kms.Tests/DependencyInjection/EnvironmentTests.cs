using Amazon.Runtime;
using Amazon.Runtime.Internal;
using Scalr.Byok.Kms.Resilience;
using Scalr.Byok.Kms.Tests.Settings;
using Scalr.Byok.Kms.Tests.World;

namespace Scalr.Byok.Kms.Tests.DependencyInjection;

/// <summary>What the AWS SDK would take from the environment or a profile changes no call.</summary>
[NonParallelizable]
internal sealed class EnvironmentTests
{
    private static readonly (string Name, string Value)[] Variables =
    [
        ("AWS_USE_FIPS_ENDPOINT", "true"),
        ("AWS_USE_DUALSTACK_ENDPOINT", "true"),
        ("AWS_RETRY_MODE", "adaptive"),
        ("AWS_MAX_ATTEMPTS", "7"),
        ("AWS_DEFAULTS_MODE", "mobile"),
        ("AWS_STS_REGIONAL_ENDPOINTS", "legacy"),
        ("AWS_ENABLE_ENDPOINT_DISCOVERY", "true"),
        ("AWS_ACCOUNT_ID_ENDPOINT_MODE", "required"),
        ("AWS_REQUEST_MIN_COMPRESSION_SIZE_BYTES", "1"),
        ("AWS_SDK_UA_APP_ID", "someone-else"),
    ];

    private string?[] _before = null!;

    [SetUp]
    public void SetVariables()
    {
        _before = [.. Variables.Select(variable => Environment.GetEnvironmentVariable(variable.Name))];
        Array.ForEach(Variables, variable => Environment.SetEnvironmentVariable(variable.Name, variable.Value));
        FallbackInternalConfigurationFactory.Reset(); // the AWS SDK reads them once
    }

    [TearDown]
    public void RestoreVariables()
    {
        foreach (var (variable, value) in Variables.Zip(_before))
        {
            Environment.SetEnvironmentVariable(variable.Name, value);
        }

        FallbackInternalConfigurationFactory.Reset();
    }

    [Test]
    public async Task Calls_to_another_endpoint_work([ValueSource(typeof(ByokWorld), nameof(ByokWorld.CredentialTypes))] string type)
    {
        await using var world = await ByokWorld.StartAsync();

        var message = await world.Ring(type).EncryptAsync(new byte[1]);

        Assert.That(await world.Ring(type).DecryptAsync(message), Is.EqualTo(new byte[1]));
    }

    [Test]
    public void Clients_are_set_up_as_ever()
    {
        using var configuration = new AwsClientConfiguration(new ByokEndpoints(), new ByokResilienceOptions());

        foreach (var config in (ClientConfig[])[configuration.ForKms("us-east-1"), configuration.ForSts("us-east-1")])
        {
            Assert.That((config.UseFIPSEndpoint, config.UseDualstackEndpoint), Is.EqualTo((false, false)));
            Assert.That(
                (config.RetryMode, config.MaxErrorRetry, config.DefaultConfigurationMode),
                Is.EqualTo((RequestRetryMode.Standard, 0, DefaultConfigurationMode.Standard)));
            Assert.That((config.Timeout, config.ConnectTimeout), Is.EqualTo(((TimeSpan?)null, (TimeSpan?)null)));
            Assert.That((config.EndpointDiscoveryEnabled, config.DisableRequestCompression), Is.EqualTo((false, true)));
            Assert.That((config.ClientAppId, config.AccountIdEndpointMode), Is.EqualTo(("Scalr.Byok.Kms", AccountIdEndpointMode.DISABLED)));
        }
    }

    [Test]
    public void Real_AWS_is_called_at_its_regional_endpoints()
    {
        using var configuration = new AwsClientConfiguration(new ByokEndpoints(), new ByokResilienceOptions());

        EndpointTests.AssertCalls(configuration, "us-east-1", "https://kms.us-east-1.amazonaws.com", "https://sts.us-east-1.amazonaws.com");
    }

    [TestCase("AWS_ENDPOINT_URL")]
    [TestCase("AWS_ENDPOINT_URL_KMS")]
    [TestCase("AWS_ENDPOINT_URL_STS")]
    public void Endpoints_are_ignored_and_that_is_logged_once(string variable)
    {
        var before = Environment.GetEnvironmentVariable(variable);
        try
        {
            Environment.SetEnvironmentVariable(variable, "http://127.0.0.1:1/S3cret");

            Assert.That(Misconfigured.Warnings(), Is.EqualTo(new[]
            {
                $"{variable} in the environment is ignored. Only the option Endpoints changes the addresses of AWS KMS and AWS STS.",
            }));
        }
        finally
        {
            Environment.SetEnvironmentVariable(variable, before);
        }
    }
}
