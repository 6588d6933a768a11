using LocalAws;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace Scalr.Byok.Kms.Tests.LocalAwsTests;

/// <summary>The configurations of the demo customer are all that a host needs.</summary>
internal sealed class DemoCustomerTests
{
    [TestCase("AccessKeys")]
    [TestCase("AssumeRole")]
    [TestCase("Oidc")]
    public async Task A_host_uses_the_key_with_the_configuration_as_it_is(string type)
    {
        await using var customer = await DemoCustomer.StartAsync();
        var configuration = new ConfigurationBuilder().AddInMemoryCollection(type switch
        {
            "AccessKeys" => customer.Configuration,
            "AssumeRole" => customer.AssumeRoleConfiguration,
            _ => customer.OidcConfiguration,
        }).Build();
        var services = new ServiceCollection();
        services.AddScalrByok(configuration.GetSection("Byok")).AddKeyRing(configuration.GetSection("Acme"))
            .AddOidcTokens((request, _) => new ValueTask<string>(customer.CreateToken(request.Audience)));
        await using var provider = services.BuildServiceProvider();
        var ring = provider.GetRequiredService<IByokKeyRing>();

        Assert.That(await ring.DecryptTextAsync(await ring.EncryptTextAsync("secret")), Is.EqualTo("secret"));
        Assert.That(customer.Aws.Log.Count("AssumeRole"), Is.EqualTo(type == "AssumeRole" ? 1 : 0));
        Assert.That(customer.Aws.Log.Count("AssumeRoleWithWebIdentity"), Is.EqualTo(type == "Oidc" ? 1 : 0));
    }
}
