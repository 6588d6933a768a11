using LocalAws;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;
using NUnit.Framework;
using Scalr.Byok.Kms;

public sealed class RevocationTests
{
    [Test]
    public async Task The_customer_disables_the_key()
    {
        await using var customer = await DemoCustomer.StartAsync();
        var configuration = new ConfigurationBuilder().AddInMemoryCollection(customer.Configuration).Build();
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow);
        var services = new ServiceCollection().AddSingleton<TimeProvider>(time);
        services.AddScalrByok(configuration.GetSection("Byok")).AddKeyRing(configuration.GetSection("Acme"));
        await using var provider = services.BuildServiceProvider();
        var ring = provider.GetRequiredService<IByokKeyRing>();
        var message = await ring.EncryptTextAsync("secret");

        customer.Key.Disable();
        time.Advance(TimeSpan.FromMinutes(1));   // ConfirmationInterval: until then, the cached data key may be used

        Assert.That(async () => await ring.DecryptTextAsync(message), Throws.TypeOf<ByokKeyUnavailableException>());
        Assert.That(customer.Aws.Log.Requests[^1].ErrorCode, Is.EqualTo("DisabledException"));
    }
}
