using System.Reflection;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Scalr.Byok.Kms.Credentials;
using Scalr.Byok.Kms.Resilience;
using Scalr.Byok.Kms.Tests.Settings;
using Scalr.Byok.Kms.Tests.World;
using static Scalr.Byok.Kms.Tests.Keys.KeyArnSamples;

namespace Scalr.Byok.Kms.Tests.DependencyInjection;

/// <summary>What a host can add and how, without any call to AWS.</summary>
internal sealed class RegistrationTests
{
    private const string RingJson =
        $$"""{ "Acme": { "KeyArn": "{{MultiRegion}}", "Credentials": { "Type": "AccessKeys", "AccessKeyId": "{{Validated.AccessKeyId}}", "SecretAccessKey": "{{Validated.Secret}}" } } }""";

    private static readonly string[] Others = ["globex", "initech"];

    public static IEnumerable<TestCaseData> NullArguments()
    {
        IServiceCollection services = new ServiceCollection();
        var builder = services.AddScalrByok();
        var section = Validated.Json("{}");
        const IServiceCollection NoServices = null!;
        const IByokBuilder NoBuilder = null!;
        return
        [
            Null("AddScalrByok services", () => NoServices.AddScalrByok(), "services"),
            Null("AddScalrByok services, delegate", () => NoServices.AddScalrByok(_ => { }), "services"),
            Null("AddScalrByok services, section", () => NoServices.AddScalrByok(section), "services"),
            Null("AddScalrByok delegate", () => services.AddScalrByok((Action<ByokOptions>)null!), "configure"),
            Null(
                "AddScalrByok section",
                () => services.AddScalrByok((Microsoft.Extensions.Configuration.IConfiguration)null!),
                "configuration"),
            Null("AddKeyRing builder", () => NoBuilder.AddKeyRing(_ => { }), "builder"),
            Null("AddKeyRing delegate", () => builder.AddKeyRing((Action<ByokKeySettings>)null!), "configure"),
            Null("AddKeyRing builder, section", () => NoBuilder.AddKeyRing(section), "builder"),
            Null("AddKeyRing section", () => builder.AddKeyRing((Microsoft.Extensions.Configuration.IConfiguration)null!), "configuration"),
            Null("AddKeyRing named, builder", () => NoBuilder.AddKeyRing("a", _ => { }), "builder"),
            Null("AddKeyRing named, name", () => builder.AddKeyRing(null!, _ => { }), "name"),
            Null("AddKeyRing named, delegate", () => builder.AddKeyRing("a", (Action<ByokKeySettings>)null!), "configure"),
            Null("AddKeyRing named, builder, section", () => NoBuilder.AddKeyRing("a", section), "builder"),
            Null("AddKeyRing named, name, section", () => builder.AddKeyRing(null!, section), "name"),
            Null(
                "AddKeyRing named, section",
                () => builder.AddKeyRing("a", (Microsoft.Extensions.Configuration.IConfiguration)null!),
                "configuration"),
            Null("AddPlatformKey builder", () => NoBuilder.AddPlatformKey(_ => { }), "builder"),
            Null("AddPlatformKey delegate", () => builder.AddPlatformKey((Action<ByokKeySettings>)null!), "configure"),
            Null("AddPlatformKey builder, section", () => NoBuilder.AddPlatformKey(section), "builder"),
            Null(
                "AddPlatformKey section",
                () => builder.AddPlatformKey((Microsoft.Extensions.Configuration.IConfiguration)null!),
                "configuration"),
            Null("AddCredentialStrategy builder", () => NoBuilder.AddCredentialStrategy<VaultStrategy>(), "builder"),
            Null("AddOidcTokens builder", () => NoBuilder.AddOidcTokens<CountingTokens>(), "builder"),
            Null("AddOidcTokens builder, delegate", () => NoBuilder.AddOidcTokens((_, _) => new("t")), "builder"),
            Null("AddOidcTokens delegate", () => builder.AddOidcTokens(null!), "getToken"),
            Null("AddOidcTokenFile builder", () => NoBuilder.AddOidcTokenFile("f"), "builder"),
            Null("AddOidcTokenFile path", () => builder.AddOidcTokenFile(null!), "path"),
            Null("AddOidcTokenFile tenant, builder", () => NoBuilder.AddOidcTokenFile("f", "acme"), "builder"),
            Null("AddOidcTokenFile tenant, path", () => builder.AddOidcTokenFile(null!, "acme"), "path"),
            Null("AddOidcTokenFile tenant", () => builder.AddOidcTokenFile("f", null!), "tenant"),
            Null("AddSharedOidcTokenFile builder", () => NoBuilder.AddSharedOidcTokenFile("f"), "builder"),
            Null("AddSharedOidcTokenFile path", () => builder.AddSharedOidcTokenFile(null!), "path"),
            Null("UseHostCredentials builder", () => NoBuilder.UseHostCredentials(_ => null!), "builder"),
            Null("UseHostCredentials delegate", () => builder.UseHostCredentials(null!), "create"),
        ];
    }

    [TestCaseSource(nameof(NullArguments))]
    public void Null_arguments_are_named(Action call, string name) =>
        Assert.That(() => call(), Throws.TypeOf<ArgumentNullException>().With.Property("ParamName").EqualTo(name));

    [Test]
    public void Empty_names_are_refused([Values("", " ")] string empty)
    {
        var builder = new ServiceCollection().AddScalrByok();

        Assert.That(
            () => builder.AddKeyRing(empty, _ => { }), Throws.TypeOf<ArgumentException>().With.Property("ParamName").EqualTo("name"));
        Assert.That(() => builder.AddOidcTokenFile(empty), Throws.TypeOf<ArgumentException>().With.Property("ParamName").EqualTo("path"));
        Assert.That(
            () => builder.AddOidcTokenFile("f", empty), Throws.TypeOf<ArgumentException>().With.Property("ParamName").EqualTo("tenant"));
        Assert.That(
            () => builder.AddSharedOidcTokenFile(empty), Throws.TypeOf<ArgumentException>().With.Property("ParamName").EqualTo("path"));
    }

    [Test]
    public void AddKeyRing_adds_one_ring_for_all()
    {
        using var provider = new ServiceCollection().AddScalrByok().AddKeyRing(Good).Services.BuildServiceProvider(validateScopes: true);
        using var scope = provider.CreateScope();

        var ring = provider.GetRequiredService<IByokKeyRing>();

        Assert.That(ring.KeyArn.ToString(), Is.EqualTo(MultiRegion));
        Assert.That(provider.GetRequiredService<IByokKeyRing>(), Is.SameAs(ring));
        Assert.That(scope.ServiceProvider.GetRequiredService<IByokKeyRing>(), Is.SameAs(ring));
    }

    [Test]
    public void AddKeyRing_adds_rings_by_name_beside_each_other()
    {
        var configuration = Validated.Json(RingJson);
        using var provider = new ServiceCollection().AddScalrByok(o => o.HostAccountId = Validated.HostAccount)
            .AddKeyRing(Good)
            .AddKeyRing("acme", configuration.GetSection("Acme"))
            .AddKeyRing("globex", s => (s.KeyArn, s.Credentials) = (SingleRegion, Validated.AssumeRole))
            .Services.BuildServiceProvider(validateScopes: true);

        IByokKeyRing[] rings = [provider.GetRequiredService<IByokKeyRing>(), Keyed(provider, "acme"), Keyed(provider, "globex")];

        Assert.That(rings, Is.Unique);
        Assert.That(rings[1].KeyArn.ToString(), Is.EqualTo(MultiRegion));
        Assert.That(rings[2].KeyArn.ToString(), Is.EqualTo(SingleRegion));
        Assert.That(Keyed(provider, "globex"), Is.SameAs(rings[2]));
        Assert.That(() => Keyed(provider, "unknown"), Throws.InvalidOperationException);
    }

    [Test]
    public void AddKeyRing_reads_configuration()
    {
        using var provider = new ServiceCollection().AddScalrByok(Validated.Json("""{ "RoleSessionName": "acme-host" }"""))
            .AddKeyRing(Validated.Json(RingJson).GetSection("Acme")).Services.BuildServiceProvider();

        Assert.That(provider.GetRequiredService<IByokKeyRing>().KeyArn.ToString(), Is.EqualTo(MultiRegion));
        Assert.That(provider.GetRequiredService<IOptions<ByokOptions>>().Value.RoleSessionName, Is.EqualTo("acme-host"));
    }

    [Test]
    public void Every_setting_of_a_ring_binds_from_configuration()
    {
        using var provider = new ServiceCollection().AddScalrByok(o => o.HostAccountId = Validated.HostAccount).AddKeyRing(Validated.Json(
            $$"""
            {
              "KeyArn": "{{MultiRegion}}",
              "Credentials": { "Type": "assumerole", "RoleArn": "{{Validated.RoleArn}}", "ExternalId": "{{Validated.ExternalId}}" },
              "ReplicaRegions": [ "us-east-2" ],
              "PreviousKeys": [ { "KeyArn": "{{SingleRegion}}", "Credentials": { "Type": "AccessKeys", "AccessKeyId": "{{Validated.AccessKeyId}}", "SecretAccessKey": "{{Validated.Secret}}" } } ]
            }
            """)).Services.BuildServiceProvider();

        var settings = provider.GetRequiredService<IOptions<ByokKeySettings>>().Value;

        Assert.That((settings.Credentials.RoleArn, settings.Credentials.ExternalId), Is.EqualTo((Validated.RoleArn, Validated.ExternalId)));
        Assert.That(settings.ReplicaRegions.Single(), Is.EqualTo("us-east-2"));
        Assert.That(settings.PreviousKeys.Single().KeyArn, Is.EqualTo(SingleRegion));
        Assert.That(settings.PreviousKeys.Single().Credentials.SecretAccessKey, Is.EqualTo(Validated.Secret));
        Assert.That(
            typeof(ByokKeySettings).GetProperties(BindingFlags.Public | BindingFlags.Instance),
            Has.Length.EqualTo(4),
            "a new setting wants a line here");
    }

    [Test]
    public void Two_rings_with_one_name_are_refused()
    {
        var section = Validated.Json(RingJson).GetSection("Acme");
        var builder = new ServiceCollection().AddScalrByok().AddKeyRing(Good).AddKeyRing("acme", Good).AddKeyRing("Acme", Good);
        const string Unnamed = "A key ring without a name was added before. Give each further one a name: AddKeyRing(\"acme\", …).";
        const string Named = "A key ring with the name 'acme' was added before. Give each key ring a name of its own.";

        Assert.That(() => builder.AddKeyRing(Good), Throws.InvalidOperationException.With.Message.EqualTo(Unnamed));
        Assert.That(() => builder.AddKeyRing(section), Throws.InvalidOperationException.With.Message.EqualTo(Unnamed));
        Assert.That(() => builder.AddKeyRing("acme", Good), Throws.InvalidOperationException.With.Message.EqualTo(Named));
        Assert.That(() => builder.AddKeyRing("acme", section), Throws.InvalidOperationException.With.Message.EqualTo(Named));
    }

    [Test]
    public void A_second_platform_key_is_refused()
    {
        var builder = new ServiceCollection().AddScalrByok().AddPlatformKey(_ => { });
        const string Twice = "A platform key was added before. A host has one: to change it, move the old key to PreviousKeys of its "
            + "section.";

        Assert.That(() => builder.AddPlatformKey(_ => { }), Throws.InvalidOperationException.With.Message.EqualTo(Twice));
        Assert.That(
            () => builder.AddPlatformKey(Validated.Json(RingJson).GetSection("Acme")),
            Throws.InvalidOperationException.With.Message.EqualTo(Twice));
    }

    [Test]
    public void AddScalrByok_twice_adds_up()
    {
        var services = new ServiceCollection();
        services.AddScalrByok(o => o.FrameLength = 4096);
        var count = services.Count(s => s.ServiceType == typeof(IByokCredentialStrategy));
        services.AddScalrByok(o => o.MaxEncryptedDataKeys = 2).AddKeyRing(Good);
        services.AddScalrByok();
        using var provider = services.BuildServiceProvider();

        var options = provider.GetRequiredService<IOptions<ByokOptions>>().Value;

        Assert.That((options.FrameLength, options.MaxEncryptedDataKeys), Is.EqualTo((4096, 2)));
        Assert.That(services.Count(s => s.ServiceType == typeof(IByokCredentialStrategy)), Is.EqualTo(count));
        Assert.That(provider.GetServices<IByokKeyRing>().Count(), Is.EqualTo(1));
    }

    [Test]
    public void Complaints_about_the_options_come_once_when_AddScalrByok_is_called_twice()
    {
        var (_, complaints) = Validated.Options(services =>
        {
            services.AddScalrByok(o => o.FrameLength = 0);
            return services.AddScalrByok();
        });

        Assert.That(complaints, Has.Length.EqualTo(1));
    }

    [Test]
    public void Disposing_the_container_disposes_the_rings_and_the_connections()
    {
        var provider = new ServiceCollection().AddScalrByok().AddKeyRing(Good).AddKeyRing("acme", Good).Services.BuildServiceProvider();
        IByokKeyRing[] rings = [provider.GetRequiredService<IByokKeyRing>(), Keyed(provider, "acme")];
        var config = provider.GetRequiredService<AwsClientConfiguration>().ForKms("us-east-1");
        var http = config.HttpClientFactory.CreateHttpClient(config);

        provider.Dispose();

        foreach (var ring in rings)
        {
            Assert.That(() => ring.EncryptAsync(new byte[1]).AsTask(), Throws.TypeOf<ObjectDisposedException>());
        }

        Assert.That(() => http.GetAsync(new Uri("http://127.0.0.1:1/")), Throws.TypeOf<ObjectDisposedException>());
    }

    [Test]
    public void Nothing_of_the_hosts_own_is_needed_or_taken()
    {
        var services = new ServiceCollection();
        services.AddScalrByok().AddKeyRing(Good);

        Assert.That(
            services.Where(s => s.ServiceType == typeof(ILoggerFactory) || s.ServiceType == typeof(TimeProvider)),
            Is.Empty,
            "the host may add its own later");
        using (var provider = services.BuildServiceProvider())
        {
            Assert.That(provider.GetRequiredService<IByokKeyRing>().KeyArn.ToString(), Is.EqualTo(MultiRegion));
        }

        services.AddLogging();
        using (var provider = services.BuildServiceProvider())
        {
            Assert.That(provider.GetRequiredService<ILoggerFactory>(), Is.TypeOf<LoggerFactory>());
            Assert.That(provider.GetRequiredService<IByokKeyRing>().KeyArn.ToString(), Is.EqualTo(MultiRegion));
        }
    }

    [Test]
    public void The_start_tells_every_complaint_of_every_ring()
    {
        var services = new ServiceCollection();
        services.AddScalrByok().AddKeyRing(Good).AddKeyRing("globex", s => s.KeyArn = SingleRegion).AddKeyRing(
            "initech", s => s.Credentials = Validated.AccessKeys);
        using var provider = services.BuildServiceProvider();

        var complaints = StartComplaints(provider);

        Assert.That(complaints, Is.EquivalentTo(Lines(
            "Key ring 'globex': Credentials:Type is missing; it is one of AccessKeys, AssumeRole, Oidc.",
            "Key ring 'initech': KeyArn is missing.")));
        Assert.That(complaints.Select(c => c.Split('\'')[1]), Is.EquivalentTo(Others));
    }

    [Test]
    public void The_start_tells_what_is_wrong_with_the_options_and_with_the_rings()
    {
        var services = new ServiceCollection();
        services.AddScalrByok(o => (o.FrameLength, o.SessionDuration) = (0, TimeSpan.Zero))
            .AddKeyRing(s => s.KeyArn = "alias/a")
            .AddKeyRing("globex", Good);
        using var provider = services.BuildServiceProvider();

        Assert.That(StartComplaints(provider), Is.EquivalentTo(Lines(
            "SessionDuration is 00:00:00; AWS STS accepts 00:15:00 to 12:00:00.",
            "FrameLength is 0; it must be 16 to 16777216.",
            $"Key ring: KeyArn: {Complaint("alias/a")}",
            "Key ring: the credentials and the Regions are checked once the options of AddScalrByok are valid.",
            "Key ring 'globex': the credentials and the Regions are checked once the options of AddScalrByok are valid.")));
    }

    [Test]
    public void The_start_says_nothing_about_good_settings()
    {
        using var provider = new ServiceCollection().AddScalrByok().AddKeyRing(Good).AddKeyRing(
            "acme", Good).Services.BuildServiceProvider();

        Assert.That(StartComplaints(provider), Is.Empty);
    }

    [Test]
    public void A_ring_with_wrong_settings_is_not_made_without_the_start_either()
    {
        using var provider = new ServiceCollection().AddScalrByok(o => o.FrameLength = 0).AddKeyRing(Good).Services.BuildServiceProvider();

        Assert.That(() => provider.GetRequiredService<IByokKeyRing>(), Throws.TypeOf<OptionsValidationException>());
        Assert.That(() => provider.GetRequiredService<IByokKeyRing>(), Throws.TypeOf<OptionsValidationException>(), "nor the second time");
    }

    [Test]
    public void Host_credentials_by_code_win_over_the_options_and_are_made_once()
    {
        var made = 0;
        using var provider = new ServiceCollection()
            .AddScalrByok(o => (o.HostAccountId, o.HostIdentity) =
                (Validated.HostAccount, new() { AccessKeyId = "AKIAFROMOPTIONS00000", SecretAccessKey = "s" }))
            .UseHostCredentials(_ => throw new InvalidOperationException("the last call wins"))
            .UseHostCredentials(_ =>
            {
                made++;
                return new Amazon.Runtime.BasicAWSCredentials("AKIAFROMCODE00000000", "s");
            })
            .AddKeyRing(s => (s.KeyArn, s.Credentials) = (MultiRegion, Validated.AssumeRole)).Services.BuildServiceProvider();

        _ = provider.GetRequiredService<IByokKeyRing>();
        _ = provider.GetRequiredService<StsClients>().AsHost("us-east-1");
        _ = provider.GetRequiredService<StsClients>().AsHost("us-east-2");

        Assert.That(made, Is.EqualTo(1));
    }

    private static void Good(ByokKeySettings settings) => (settings.KeyArn, settings.Credentials) = (MultiRegion, Validated.AccessKeys);

    private static IByokKeyRing Keyed(IServiceProvider provider, string name) => provider.GetRequiredKeyedService<IByokKeyRing>(name);

    private static string[] Lines(params string[] lines) => lines;

    private static string Complaint(string keyArn) => Assert.Throws<FormatException>(() => KmsKeyArn.Parse(keyArn))!.Message;

    private static TestCaseData Null(string name, Func<object> call, string parameter) =>
        new TestCaseData(() => { _ = call(); }, parameter).SetArgDisplayNames(name);

    private static List<string> StartComplaints(ServiceProvider provider)
    {
        try
        {
            provider.GetRequiredService<IStartupValidator>().Validate();
            return [];
        }
        catch (OptionsValidationException one)
        {
            return [.. one.Failures];
        }
    }
}
