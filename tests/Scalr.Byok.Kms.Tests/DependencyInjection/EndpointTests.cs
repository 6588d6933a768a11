using Amazon.KeyManagementService;
using Amazon.KeyManagementService.Model;
using Amazon.Runtime;
using Amazon.SecurityToken;
using Amazon.SecurityToken.Model;
using Microsoft.Extensions.DependencyInjection;
using Scalr.Byok.Kms.Resilience;
using Scalr.Byok.Kms.Tests.World;

namespace Scalr.Byok.Kms.Tests.DependencyInjection;

/// <summary>Where calls go, over how many connections, and what can redirect them: the options and nothing else.</summary>
[NonParallelizable]
internal sealed class EndpointTests
{
    private static readonly string[] Variables = ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_KMS", "AWS_ENDPOINT_URL_STS"];

    [TestCase("us-east-1", "https://kms.us-east-1.amazonaws.com", "https://sts.us-east-1.amazonaws.com")]
    [TestCase("us-east-2", "https://kms.us-east-2.amazonaws.com", "https://sts.us-east-2.amazonaws.com")]
    [TestCase("cn-north-1", "https://kms.cn-north-1.amazonaws.com.cn", "https://sts.cn-north-1.amazonaws.com.cn")]
    [TestCase("us-gov-west-1", "https://kms.us-gov-west-1.amazonaws.com", "https://sts.us-gov-west-1.amazonaws.com")]
    public void Real_AWS_is_called_in_the_Region_over_https(string region, string kms, string sts)
    {
        using var configuration = new AwsClientConfiguration(new ByokEndpoints(), new ByokResilienceOptions());

        AssertCalls(configuration, region, kms, sts);
    }

    [Test]
    public void The_environment_redirects_nothing()
    {
        var before = Variables.Select(Environment.GetEnvironmentVariable).ToArray();
        try
        {
            Array.ForEach(Variables, variable => Environment.SetEnvironmentVariable(variable, "http://127.0.0.1:1"));
            using var configuration = new AwsClientConfiguration(new ByokEndpoints(), new ByokResilienceOptions());

            AssertCalls(configuration, "us-east-2", "https://kms.us-east-2.amazonaws.com", "https://sts.us-east-2.amazonaws.com");
        }
        finally
        {
            foreach (var (variable, value) in Variables.Zip(before))
            {
                Environment.SetEnvironmentVariable(variable, value);
            }
        }
    }

    [Test]
    public async Task The_environment_does_not_win_over_the_options([Values("AccessKeys", "AssumeRole")] string type)
    {
        await using var world = await ByokWorld.StartAsync();
        var before = Variables.Select(Environment.GetEnvironmentVariable).ToArray();
        try
        {
            Array.ForEach(Variables, variable => Environment.SetEnvironmentVariable(variable, "http://127.0.0.1:1"));

            var message = await world.Ring(type).EncryptAsync(new byte[1]);

            Assert.That(await world.Ring(type).DecryptAsync(message), Is.EqualTo(new byte[1]));
        }
        finally
        {
            foreach (var (variable, value) in Variables.Zip(before))
            {
                Environment.SetEnvironmentVariable(variable, value);
            }
        }
    }

    [Test]
    public void Endpoints_by_Region_win_over_the_one_for_any()
    {
        using var configuration = new AwsClientConfiguration(new ByokEndpoints
        {
            Kms = { ["us-east-1"] = new("https://vpce.example.org/"), ["*"] = new("https://any.example.org/") },
        }, new ByokResilienceOptions());

        Assert.That(configuration.ForKms("us-east-1").ServiceURL, Does.StartWith("https://vpce.example.org"));
        Assert.That(configuration.ForKms("us-east-2").ServiceURL, Does.StartWith("https://any.example.org"));
        Assert.That(configuration.ForKms("us-east-2").AuthenticationRegion, Is.EqualTo("us-east-2"));
        Assert.That(configuration.ForSts("us-east-1").ServiceURL, Is.Null);
    }

    [Test]
    public void The_AWS_SDK_repeats_and_limits_nothing_by_itself()
    {
        using var configuration = new AwsClientConfiguration(new ByokEndpoints(), new ByokResilienceOptions());
        foreach (var config in (ClientConfig[])[configuration.ForKms("us-east-1"), configuration.ForSts("us-east-1")])
        {
            Assert.That(
                (config.MaxErrorRetry, config.MaxStaleConnectionRetries, config.ThrottleRetries, config.AllowAutoRedirect),
                Is.EqualTo((0, 0, false, false)));
            Assert.That(
                (config.Timeout, config.ConnectTimeout, config.MaxConnectionsPerServer),
                Is.EqualTo(((TimeSpan?)null, (TimeSpan?)null, (int?)null)),
                "each would cost a socket for each client");
            Assert.That(config.IgnoreConfiguredEndpointUrls, Is.True);
        }

        var first = configuration.ForKms("us-east-1");
        Assert.That(configuration.ForKms("us-east-1"), Is.SameAs(first), "one for all customers");
    }

    [Test]
    public async Task Sockets_are_bounded_by_the_endpoint_not_by_the_rings()
    {
        await using var world = await ByokWorld.StartAsync();
        var services = world.Services();
        var names = Enumerable.Range(0, 50).Select(i => $"customer-{i}").ToArray();
        foreach (var name in names)
        {
            var type = ByokWorld.CredentialTypes[name.Length % 2 == 0 ? 0 : 1];
            services.AddScalrByok().AddKeyRing(name, s => (s.KeyArn, s.Credentials) = (world.Key.Arn, world.Settings(type).Credentials));
        }

        await using var provider = services.BuildServiceProvider();
        foreach (var name in names)
        {
            var ring = provider.GetRequiredKeyedService<IByokKeyRing>(name);
            Assert.That(await ring.DecryptAsync(await ring.EncryptAsync(new byte[1])), Is.EqualTo(new byte[1]));
        }

        Assert.That(world.Aws.Log.Count("Encrypt"), Is.EqualTo(50));
        Assert.That(world.Aws.Connections.Accepted, Is.InRange(1, 2), "connections");
    }

    internal static void AssertCalls(AwsClientConfiguration configuration, string region, string kms, string sts)
    {
        using var kmsClient = new AmazonKeyManagementServiceClient(new AnonymousAWSCredentials(), configuration.ForKms(region));
        using var stsClient = new AmazonSecurityTokenServiceClient(new AnonymousAWSCredentials(), configuration.ForSts(region));

        Assert.That(kmsClient.DetermineServiceOperationEndpoint(new EncryptRequest()).URL.TrimEnd('/'), Is.EqualTo(kms));
        Assert.That(stsClient.DetermineServiceOperationEndpoint(new AssumeRoleRequest()).URL.TrimEnd('/'), Is.EqualTo(sts));
        Assert.That(stsClient.DetermineServiceOperationEndpoint(new AssumeRoleWithWebIdentityRequest()).URL.TrimEnd('/'), Is.EqualTo(sts));
        Assert.That((kmsClient.Config.AuthenticationRegion, stsClient.Config.AuthenticationRegion), Is.EqualTo((region, region)));
    }
}
