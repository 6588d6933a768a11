using System.Text;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Scalr.Byok.Kms.Tests.World;

namespace Scalr.Byok.Kms.Tests.Settings;

/// <summary>Configuration of the wrong shape is never taken to mean something else.</summary>
internal sealed class ShapeTests
{
    private static readonly string[] Two = ["eu-west-1", "us-east-1"];
    private static readonly string[] West = ["us-east-2"];

    [Test]
    public void Regions_may_be_one_text_which_replaces_a_list()
    {
        var (options, ring) = Misconfigured.Read(
            "Byok:AllowedRegions=eu-west-1, us-east-1,",
            "Byok:AllowedRegions:2=ap-south-1",
            "Customers:Acme:ReplicaRegions=",
            "Customers:Acme:ReplicaRegions:0=us-east-2");

        Assert.That(options.AllowedRegions, Is.EqualTo(Two));
        Assert.That(ring.ReplicaRegions, Is.Empty);
        Assert.That(Misconfigured.Read("Customers:Acme:ReplicaRegions=us-east-2").Ring.ReplicaRegions, Is.EqualTo(West));
    }

    [Test]
    public void A_text_that_replaces_a_list_is_logged() =>
        Assert.That(
            Misconfigured.Warnings("Byok:AllowedRegions=us-east-1"),
            Is.EqualTo(Lines("Byok:AllowedRegions is both a text and a list. The text replaces the list.")));

    [TestCase("Byok:FrameLenght=1", "Byok:FrameLenght is not a setting of this version and is ignored. Did you mean FrameLength?")]
    [TestCase(
        "Byok:MaxAge=00:01:00", "Byok:MaxAge is not a setting of this version and is ignored. Did you mean Byok:DataKeyCache:MaxAge?")]
    [TestCase(
        "Byok:DataKeyCache:MaxMesages=1",
        "Byok:DataKeyCache:MaxMesages is not a setting of this version and is ignored. Did you mean MaxMessages?")]
    [TestCase("Byok:Colour=red", "Byok:Colour is not a setting of this version and is ignored.")]
    [TestCase("Byok:Regions=x", "Byok:Regions is not a setting of this version and is ignored. Did you mean AllowedRegions?")]
    [TestCase(
        "Byok:HostIdentity:SecretKey=S3cret",
        "Byok:HostIdentity:SecretKey is not a setting of this version and is ignored. Did you mean SecretAccessKey?")]
    [TestCase(
        "Customers:Acme:RoleArn=x",
        "Customers:Acme:RoleArn is not a setting of this version and is ignored. Did you mean Customers:Acme:Credentials:RoleArn?")]
    [TestCase(
        "Customers:Acme:Credentials:AcessKeyID=x",
        "Customers:Acme:Credentials:AcessKeyID is not a setting of this version and is ignored. Did you mean AccessKeyId?")]
    public void Unknown_names_are_logged_once_with_a_suggestion(string change, string warning)
    {
        Assert.That(Misconfigured.Warnings(change), Is.EqualTo(Lines(warning)));
        Assert.That(Misconfigured.Start(change), Is.Empty, "an older version must start with the configuration of a newer one");
    }

    [TestCase(
        "Byok:Endpoints:Kms:us-esat-1=https://kms.example.com",
        "Byok:Endpoints:Kms:us-esat-1 is never used, because us-esat-1 is not among AllowedRegions. Did you mean us-east-1?")]
    [TestCase(
        "Byok:Endpoints:Sts:ap-south-1=https://sts.example.com",
        "Byok:Endpoints:Sts:ap-south-1 is never used, because ap-south-1 is not among AllowedRegions.")]
    public void What_has_no_effect_is_logged_once(string change, string warning) =>
        Assert.That(Misconfigured.Warnings(change), Is.EqualTo(Lines(warning)));

    [Test]
    public void A_section_of_options_that_does_not_exist_is_logged_once()
    {
        var logs = new CapturedLogs();
        using var provider = Misconfigured.Host(Misconfigured.Configuration("-Byok"), logs);
        Misconfigured.Start(provider);
        Misconfigured.Start(provider);

        const string Missing = "The configuration section Byok does not exist or is empty, so all options have their defaults.";
        Assert.That(logs.Entries.Count(entry => entry.Contains(Missing, StringComparison.Ordinal)), Is.EqualTo(1));
        Assert.That(Misconfigured.Warnings(logs), Is.Empty, "defaults are no mistake");
    }

    [Test]
    public void Endpoints_that_are_used_are_not_logged() =>
        Assert.That(
            Misconfigured.Warnings("Byok:Endpoints:Kms:us-east-1=https://a.example.com", "Byok:Endpoints:Sts:*=https://b.example.com"),
            Is.Empty);

    [TestCase("{}")]
    [TestCase("null")]
    [TestCase("[]")]
    [TestCase("\"\"")]
    public void Regions_that_are_named_and_empty_do_not_allow_the_default_Regions(string json)
    {
        var text = $"{{\"Byok\":{{\"AllowedRegions\":{json}}}}}";
        var configuration = new ConfigurationBuilder().AddConfiguration(Misconfigured.Configuration("-Byok:AllowedRegions"))
            .AddJsonStream(new MemoryStream(Encoding.UTF8.GetBytes(text))).Build();
        using var provider = Misconfigured.Host(configuration, new CapturedLogs());

        Assert.That(
            Misconfigured.Start(provider), Does.Contain("Byok:AllowedRegions is empty; expected Regions, such as us-east-1,eu-west-1."));
    }

    [Test]
    public void Unknown_names_at_the_root_of_all_configuration_are_not_ours()
    {
        var logs = new CapturedLogs();
        using var provider = Misconfigured.Host(Misconfigured.Configuration(), logs);
        var services = new ServiceCollection();
        services.AddSingleton<Microsoft.Extensions.Logging.ILoggerFactory>(logs);
        services.AddScalrByok(new ConfigurationBuilder().AddInMemoryCollection([new("PATH", "/bin"), new("FrameLength", "4096")]).Build());
        using var root = services.BuildServiceProvider();

        Assert.That(root.GetRequiredService<IOptions<ByokOptions>>().Value.FrameLength, Is.EqualTo(4096));
        Assert.That(Misconfigured.Warnings(logs), Is.Empty);
    }

    [TestCase("0", 0)]
    [TestCase("00:05:00", 300)]
    [TestCase("0.00:00:30", 30)]
    [TestCase("0:00:01:00", 60)]
    public void Durations_are_read_where_they_are_clear(string text, int seconds) =>
        Assert.That(
            Misconfigured.Read($"Byok:DataKeyCache:MaxAge={text}").Options.DataKeyCache.MaxAge, Is.EqualTo(TimeSpan.FromSeconds(seconds)));

    [Test]
    public void Days_are_read_where_they_are_named() =>
        Assert.That(
            Misconfigured.Read("Byok:KeyRingIdleTimeout=15.00:00:00").Options.KeyRingIdleTimeout, Is.EqualTo(TimeSpan.FromDays(15)));

    [Test]
    public void A_host_may_run_on_defaults_without_a_section() => Assert.That(Misconfigured.Start("-Byok"), Is.Empty);

    [Test]
    public void A_changed_file_is_read_again()
    {
        var configuration = Misconfigured.Configuration();
        using var provider = Misconfigured.Host(configuration, new CapturedLogs());
        var monitor = provider.GetRequiredService<IOptionsMonitor<ByokOptions>>();
        Assert.That(monitor.CurrentValue.FrameLength, Is.EqualTo(65_536));

        configuration["Byok:FrameLength"] = "4096";
        configuration.Reload();
        Assert.That(monitor.CurrentValue.FrameLength, Is.EqualTo(4096));
    }

    private static string[] Lines(params string[] lines) => lines;
}
