using System.Text.Json;
using LocalAws;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Scalr.Byok.Kms.Tests.Settings;
using Scalr.Byok.Kms.Tests.World;

namespace Scalr.Byok.Kms.Tests.Docs;

/// <summary>Every block of JSON on every page loads as it stands: configuration as configuration, IAM policies as policies.</summary>
internal sealed class ConfigurationBlockTests
{
    public static IEnumerable<TestCaseData> Configurations() => Blocks(isPolicy: false);

    public static IEnumerable<TestCaseData> Policies() => Blocks(isPolicy: true);

    [TestCaseSource(nameof(Configurations))]
    public void A_configuration_loads_as_it_stands(string json)
    {
        var logs = new CapturedLogs();
        var configuration = Validated.Json(json);
        var services = new ServiceCollection();
        services.AddSingleton<ILoggerFactory>(logs);
        var builder = services.AddScalrByok(configuration.GetSection("Byok")).AddOidcTokens((_, _) => new ValueTask<string>("token"));
        var all = configuration.GetChildren().SelectMany(Rings).ToList();
        foreach (var platform in all.Where(IsPlatform))
        {
            builder.AddPlatformKey(platform);
        }

        var rings = all.Where(section => !IsPlatform(section)).ToList();
        rings.ForEach(section => builder.AddKeyRing(section.Key, section));
        using var provider = services.BuildServiceProvider();

        Assert.That(all.Count > 0 || configuration.GetSection("Byok").Exists(), Is.True, "it has options or a key ring");
        Assert.That(Misconfigured.Start(provider), Is.Empty);
        Assert.That(Misconfigured.Warnings(logs), Is.Empty, "it has no unknown name");
        Assert.That(rings.ConvertAll(section => provider.GetRequiredKeyedService<IByokKeyRing>(section.Key)), Is.Unique);
    }

    [TestCaseSource(nameof(Policies))]
    public async Task A_policy_of_the_host_lets_it_assume_a_customers_role(string json)
    {
        await using var customer = await DemoCustomer.StartAsync();
        var host = customer.Aws.Account(ByokPolicies.ScalrAccountId).CreateUser("of-the-page", json).CreateAccessKey();
        var services = new ServiceCollection();
        services.AddScalrByok(options =>
        {
            options.Endpoints.Kms[ByokEndpoints.AnyRegion] = options.Endpoints.Sts[ByokEndpoints.AnyRegion] = customer.Aws.Endpoint;
            options.HostAccountId = ByokPolicies.ScalrAccountId;
            options.HostIdentity = new() { AccessKeyId = host.AccessKeyId, SecretAccessKey = host.SecretAccessKey };
        }).AddKeyRing(ring => (ring.KeyArn, ring.Credentials) =
            (customer.Key.Arn, ByokCredentialSettings.AssumeRole(customer.AssumeRole.Arn, customer.ExternalId)));
        await using var provider = services.BuildServiceProvider();

        Assert.That(await provider.GetRequiredService<IByokKeyRing>().EncryptAsync(new byte[1]), Is.Not.Empty);
    }

    [Test]
    public void Blocks_are_found()
    {
        Assert.That(Configurations().Count(), Is.GreaterThanOrEqualTo(5));
        Assert.That(Policies().Count(), Is.GreaterThanOrEqualTo(1));
    }

    private static IEnumerable<TestCaseData> Blocks(bool isPolicy) =>
        from page in Page.All
        from block in page.Blocks("json").Index()
        where IsPolicy(block.Item) == isPolicy
        select new TestCaseData(block.Item).SetArgDisplayNames($"{page}, block {block.Index + 1}");

    private static bool IsPolicy(string json)
    {
        using var document = JsonDocument.Parse(json);
        return document.RootElement.TryGetProperty("Statement", out _);
    }

    private static bool IsPlatform(IConfigurationSection section) => section["Credentials:Type"] == ByokCredentialSettings.HostType;

    /// <summary>The key rings in a section: a section with a key ARN, or those below.</summary>
    private static IEnumerable<IConfigurationSection> Rings(IConfigurationSection section) =>
        section["KeyArn"] is not null ? [section] : section.GetChildren().SelectMany(Rings);
}
