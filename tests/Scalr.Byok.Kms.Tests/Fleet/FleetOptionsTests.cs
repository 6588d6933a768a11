using System.Text.Json;
using Microsoft.Extensions.Caching.Distributed;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace Scalr.Byok.Kms.Tests.Fleet;

/// <summary>Wrong options fail at start, and no message shows a secret.</summary>
internal sealed class FleetOptionsTests
{
    private const string Short = "c2hvcnQtc2VjcmV0LTcz";

    [TestCase("Secrets:0", FleetWorld.Secret, null)]
    [TestCase("ClockTolerance", "00:00:03", "Fleet:Secrets is missing")]
    [TestCase("Secrets:0", Short, "Fleet:Secrets:0 is not Base64 of 32 or more bytes")]
    [TestCase("Secrets:0", "not-base-64-secret-of-many-characters-73", "Fleet:Secrets:0 is not Base64 of 32 or more bytes")]
    [TestCase("Secrets", FleetWorld.Secret, "Fleet:Secrets is not a list")]
    [TestCase("Secrets:1", FleetWorld.Secret, "Fleet:Secrets:1 is the same as an earlier one", "Secrets:0", FleetWorld.Secret)]
    [TestCase("ClockTolerance", "00:00:30", "must be longer than twice", "Secrets:0", FleetWorld.Secret)]
    [TestCase("ClockTolerance", "00:02:00", "must be 0 to 1 minute", "Secrets:0", FleetWorld.Secret)]
    [TestCase("ClockTolerance", "5", "expected hh:mm:ss", "Secrets:0", FleetWorld.Secret)]
    public void Options_are_validated_at_start(string name, string? value, string? error, string? other = null, string? with = null)
    {
        var settings = new Dictionary<string, string?> { [$"Fleet:{name}"] = value };
        if (other is not null)
        {
            settings[$"Fleet:{other}"] = with;
        }

        using var provider = Services(settings, hasCache: true).BuildServiceProvider();
        void Start() => provider.GetRequiredService<IStartupValidator>().Validate();

        if (error is null)
        {
            Assert.That(Start, Throws.Nothing);
            return;
        }

        var thrown = Assert.Throws<OptionsValidationException>(Start)!;
        Assert.That(thrown.Message, Does.Contain(error));
        Assert.That(thrown.ToString(), Does.Not.Contain(value ?? "\0").Or.Contain("hh:mm:ss").Or.Contain("00:0"));
    }

    [Test]
    public void A_host_without_a_cache_does_not_start()
    {
        using var provider = Services(
            new() { ["Fleet:Secrets:0"] = FleetWorld.Secret }, hasCache: false).BuildServiceProvider();

        var thrown = Assert.Throws<OptionsValidationException>(() => provider.GetRequiredService<IStartupValidator>().Validate())!;
        Assert.That(thrown.Message, Does.Contain("IDistributedCache").And.Not.Contain(FleetWorld.Secret));
    }

    [Test]
    public void Options_show_no_secret()
    {
        var options = new ByokFleetOptions { Secrets = [FleetWorld.Secret] };

        Assert.That(options.ToString(), Is.EqualTo("1 secrets"));
        Assert.That(JsonSerializer.Serialize(options), Does.Not.Contain(FleetWorld.Secret));
        Assert.That(ByokFleetOptions.ShouldSerializeSecrets(), Is.False);
    }

    [Test]
    public void Arguments_are_required()
    {
        var builder = new ServiceCollection().AddScalrByok();

        Assert.Throws<ArgumentNullException>(() => builder.ShareConfirmations((Action<ByokFleetOptions>)null!));
        Assert.Throws<ArgumentNullException>(() => builder.ShareConfirmations((IConfiguration)null!));
        Assert.Throws<ArgumentNullException>(() => ((IByokBuilder)null!).ShareConfirmations(_ => { }));
    }

    private static ServiceCollection Services(Dictionary<string, string?> settings, bool hasCache)
    {
        var services = new ServiceCollection();
        services.AddScalrByok().ShareConfirmations(
            new ConfigurationBuilder().AddInMemoryCollection(settings).Build().GetSection("Fleet"));
        if (hasCache)
        {
            services.AddSingleton<IDistributedCache>(new FleetTestCache(TimeProvider.System));
        }

        return services;
    }
}
