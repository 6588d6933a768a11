using LocalAws;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Scalr.Byok.Kms;
using Xunit;

public sealed class RevocationTests
{
    [Fact]
    public async Task The_customer_disables_the_key()
    {
        await using var customer = await DemoCustomer.StartAsync();
        var configuration = new ConfigurationBuilder().AddInMemoryCollection(customer.Configuration).Build();
        var services = new ServiceCollection();
        services.AddScalrByok(configuration.GetSection("Byok")).AddKeyRing(configuration.GetSection("Acme"));
        services.Configure<ByokOptions>(options => options.DataKeyCache.MaxAge = TimeSpan.Zero);   // each call asks AWS KMS
        await using var provider = services.BuildServiceProvider();
        var ring = provider.GetRequiredService<IByokKeyRing>();
        var message = await ring.EncryptTextAsync("secret");

        customer.Key.Disable();

        var error = await Assert.ThrowsAsync<ByokKeyUnavailableException>(() => ring.DecryptTextAsync(message).AsTask());
        Assert.Equal(ByokKeyUnavailableReason.KeyDisabled, error.Reason);
    }

    [Fact]
    public void A_data_key_needs_no_AWS()
    {
        using var key = ByokModelFactory.DataKey();
        var place = ByokAssociatedData.For("variables", "value", 42);

        Assert.Equal("db password", key.DecryptText(key.EncryptText("db password", place), place));
    }
}
