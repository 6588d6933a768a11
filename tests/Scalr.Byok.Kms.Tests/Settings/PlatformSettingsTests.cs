using System.Text.Json;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using static Scalr.Byok.Kms.Tests.Keys.KeyArnSamples;

namespace Scalr.Byok.Kms.Tests.Settings;

/// <summary>The section of AddPlatformKey, and that no text can say what only a store may say.</summary>
internal sealed class PlatformSettingsTests
{
    private static readonly Dictionary<string, string?> Good = new()
    {
        ["Byok:HostAccountId"] = Validated.HostAccount,
        ["Platform:KeyArn"] = MultiRegion,
        ["Platform:Credentials:Type"] = "Host",
    };

    public static IEnumerable<TestCaseData> Mistakes()
    {
        yield return Case("nothing", [], []);
        yield return Case("the type in lower case", [("Platform:Credentials:Type", "host")], []);
        yield return Case("no key", [("Platform:KeyArn", null)], ["Platform:KeyArn is missing."]);
        yield return Case(
            "no section",
            [("Platform:KeyArn", null), ("Platform:Credentials:Type", null)],
            ["Platform key: The configuration section Platform does not exist or is empty; expected KeyArn and Credentials in it."]);
        yield return Case(
            "no type", [("Platform:Credentials:Type", null)], ["Platform:Credentials:Type is missing; it is Host."]);
        yield return Case(
            "a customer's type",
            [("Platform:Credentials:Type", "AccessKeys")],
            ["Platform:Credentials:Type is not Host. The platform key is used with the host's own AWS identity; a customer's key belongs "
                + "into the settings of its tenant."]);
        yield return Case(
            "a role",
            [("Platform:Credentials:RoleArn", Validated.RoleArn)],
            ["Platform:Credentials:RoleArn does not belong to credentials of type Host; leave it empty."]);
        yield return Case(
            "another Region",
            [("Byok:AllowedRegions", "eu-west-1")],
            ["Platform:KeyArn: Region us-east-1 is not allowed; allowed are eu-west-1."]);
        yield return Case(
            "a previous key with a type of a customer",
            [("Platform:PreviousKeys:0:KeyArn", SingleRegion), ("Platform:PreviousKeys:0:Credentials:Type", "Oidc")],
            ["Platform:PreviousKeys:0:Credentials:Type is not Host. The platform key is used with the host's own AWS identity; a "
                + "customer's key belongs into the settings of its tenant."]);
        yield return Case(
            "a text in place of the section",
            [("Platform:Credentials", "Host"), ("Platform:Credentials:Type", null)],
            ["Platform:Credentials is a text; expected a section with Type, AccessKeyId, SecretAccessKey, RoleArn, ExternalId, Audience."]);
    }

    [TestCaseSource(nameof(Mistakes))]
    public void The_start_says_what_is_wrong((string Path, string? Value)[] changes, string[] messages) =>
        Assert.That(Start(changes), Is.EqualTo(messages));

    [Test]
    public void Errors_of_the_platform_key_and_of_the_key_rings_come_at_once()
    {
        var messages = Start([("Platform:KeyArn", null)], byok => byok.AddKeyRing(new ConfigurationBuilder()
            .AddInMemoryCollection(new Dictionary<string, string?> { ["Acme:Credentials:Type"] = "AccessKeys" }).Build()
            .GetSection("Acme")));

        Assert.That(messages, Is.EqualTo((string[])
        [
            "Platform:KeyArn is missing.", "Acme:KeyArn is missing.",
            "Acme: the credentials and the Regions are checked once the settings of AddPlatformKey are valid.",
        ]));
    }

    [Test]
    public void A_ring_that_names_the_platform_key_does_not_start() =>
        Assert.That(
            Start([], byok => byok.AddKeyRing(
                "all", ring => (ring.KeyArn, ring.Credentials) = (MultiRegion, Validated.AccessKeys))).Single(),
            Does.StartWith("Key ring 'all': KeyArn is the host's platform key."));

    [Test]
    public void A_strategy_of_the_host_cannot_take_the_type()
    {
        using var provider = Provider([], byok => byok.AddCredentialStrategy<Impostor>());

        Assert.That(
            () => provider.GetRequiredService<IByokVerifier>(),
            Throws.InvalidOperationException.With.Message.EqualTo(
                "The credentials type Host is reserved for AddPlatformKey. Give the strategy Impostor another Type."));
    }

    [Test]
    public void The_stored_form_cannot_say_it()
    {
        var moved = new ByokKeySettings { KeyArn = SingleRegion, PreviousKeys = [ByokPreviousKeySettings.Platform] };

        Assert.That(() => ByokKeySettingsJson.Serialize(ByokKeySettings.Platform, s => s), Throws.InvalidOperationException);
        Assert.That(() => ByokKeySettingsJson.Serialize(moved, s => s), Throws.InvalidOperationException);
    }

    [TestCase("""{ "Platform": true, "IsPlatform": true, "_isPlatform": true }""")]
    [TestCase("""{ "Platform": { }, "isPlatform": "true" }""")]
    public void No_JSON_of_a_form_can_say_it(string json)
    {
        var options = new JsonSerializerOptions { PropertyNameCaseInsensitive = true, IncludeFields = true };
        var copied = JsonSerializer.Deserialize<ByokKeySettings>(JsonSerializer.Serialize(ByokKeySettings.Platform))!;
        var bound = new ByokKeySettings();
        new ConfigurationBuilder().AddJsonStream(new MemoryStream(System.Text.Encoding.UTF8.GetBytes(json))).Build()
            .Bind(bound, binder => binder.BindNonPublicProperties = true);

        foreach (var settings in (ByokKeySettings[])
            [JsonSerializer.Deserialize<ByokKeySettings>(json, options)!, ByokKeySettingsJson.Deserialize(json, s => s), copied, bound])
        {
            Assert.That(settings.IsPlatform, Is.False);
        }
    }

    [Test]
    public void Each_access_gives_new_settings_that_say_what_they_are()
    {
        var (one, another) = (ByokKeySettings.Platform, ByokKeySettings.Platform);

        Assert.That(one, Is.Not.SameAs(another));
        Assert.That(one.ToString(), Is.EqualTo("(platform key)"));
        Assert.That(ByokPreviousKeySettings.Platform.ToString(), Is.EqualTo("(platform key)"));
    }

    private static TestCaseData Case(string name, (string Path, string? Value)[] changes, string[] messages) =>
        new TestCaseData(changes, messages).SetArgDisplayNames(name);

    private static string[] Start((string Path, string? Value)[] changes, Action<IByokBuilder>? with = null)
    {
        using var provider = Provider(changes, with);
        try
        {
            provider.GetRequiredService<IStartupValidator>().Validate();
            return [];
        }
        catch (OptionsValidationException wrong)
        {
            return [.. wrong.Failures];
        }
    }

    private static ServiceProvider Provider((string Path, string? Value)[] changes, Action<IByokBuilder>? with)
    {
        var values = new Dictionary<string, string?>(Good);
        foreach (var (path, value) in changes)
        {
            values[path] = value;
        }

        var given = values.Where(pair => pair.Value is not null).ToDictionary();
        var configuration = new ConfigurationBuilder().AddInMemoryCollection(given).Build();
        var builder = new ServiceCollection().AddScalrByok(configuration.GetSection("Byok"))
            .AddPlatformKey(configuration.GetSection("Platform"));
        with?.Invoke(builder);
        return builder.Services.BuildServiceProvider();
    }

    private sealed class Impostor : IByokCredentialStrategy
    {
        public string Type => "HOST";

        public IEnumerable<string> Validate(ByokCredentialSettings credentials) => [];

        public Amazon.Runtime.AWSCredentials CreateCredentials(ByokCredentialSettings credentials, ByokCredentialContext context) =>
            new Amazon.Runtime.AnonymousAWSCredentials();
    }
}
