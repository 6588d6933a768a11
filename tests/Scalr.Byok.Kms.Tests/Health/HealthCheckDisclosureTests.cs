using Amazon.Runtime;
using LocalAws;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Scalr.Byok.Kms.Tests.Conventions;
using Scalr.Byok.Kms.Tests.World;

namespace Scalr.Byok.Kms.Tests.Health;

/// <summary>A health check is often shown without authentication: what it tells of customers, and what it never tells.</summary>
[Category("Slow")]
internal sealed class HealthCheckDisclosureTests
{
    private const string RingName = "acme-corporation";

    private ByokWorld _world = null!;

    public static IEnumerable<TestCaseData> Troubles()
    {
        yield return Trouble("disabled", world => world.Key.Disable());
        yield return Trouble("pending deletion", world => world.Key.ScheduleDeletion());
        yield return Trouble(
            "not described",
            world =>
                world.User.Policy = world.AssumedRole.Policy = world.OidcRole.Policy = Policies.Permissions(world.Key.Arn, "kms:Encrypt"));
        yield return Trouble("without a replica", _ => { });
        yield return Trouble("with inactive keys", world => world.AccessKey.Active = world.HostKey.Active = false);
        yield return Trouble("throttled", world => world.Aws.Faults.Add(Fault.Error("ThrottlingException")));
        yield return Trouble(
            "answered by a proxy",
            world => world.Aws.Faults.Add(Fault.Body(502, "text/html", $"<html>{world.Key.Arn} {ByokWorld.ExternalId}</html>")));
        yield return Trouble("refused with everything quoted", world => world.Aws.Faults.Add(
            Fault.Error(
                "ValidationException",
                400,
                $"{world.Key.Arn} {world.AssumedRole.Arn} {ByokWorld.ExternalId} {world.AccessKey.SecretAccessKey}")));
        yield return Trouble(
            "without tokens", world => world.GetToken = (_, _) => throw new InvalidOperationException(ByokWorld.ExternalId));
    }

    [SetUp]
    public async Task StartAsync() => _world = await ByokWorld.StartAsync();

    [TearDown]
    public async Task StopAsync() => await _world.DisposeAsync();

    [TestCaseSource(nameof(Troubles))]
    public async Task Nothing_that_identifies_a_customer_is_told_unless_asked_for(Action<ByokWorld> trouble)
    {
        trouble(_world);

        var entry = await Host(includeCustomerData: false).RunAsync();

        Assert.That(entry.Description, Does.Contain("not healthy"));
        Assert.That(Secrets.FindIn(Texts(entry), Identifying()), Is.Empty);
        Assert.That(entry.Data.Keys, Is.EquivalentTo(Findings.These("keyRings", "failed", "warned", "notChecked")));
    }

    [TestCaseSource(nameof(Troubles))]
    public async Task No_secret_is_told_even_where_customers_are(Action<ByokWorld> trouble)
    {
        trouble(_world);

        var entry = await Host(includeCustomerData: true).RunAsync();

        Assert.That(entry.Data.Keys, Has.Some.StartsWith($"keyRing:{RingName}"));
        Assert.That(Secrets.FindIn(Texts(entry).Concat(_world.Logs.Entries), _world.Secrets), Is.Empty);
    }

    [Test]
    public async Task Asked_for_the_data_tell_each_ring_its_key_and_what_to_do()
    {
        _world.Key.Disable();

        var entry = await new HealthHost(_world).Add("").Add(RingName).Check(options => options.IncludeCustomerData = true).RunAsync();

        var text = $"{_world.Key.Arn}: KeyDisabled. The key is disabled. Enable the key in AWS KMS.";
        Assert.That((entry.Data["keyRing"], entry.Data[$"keyRing:{RingName}"]), Is.EqualTo((text, text)));
        Assert.That(Secrets.FindIn([entry.Description!], Identifying()), Is.Empty, "the description tells no customer anyway");
    }

    [TestCase(0, 0)]
    [TestCase(2, 2)]
    [TestCase(10, 3)]
    public async Task At_most_MaxReported_rings_are_told(int maxReported, int expected)
    {
        _world.Key.Disable();

        var entry = await new HealthHost(_world).Add("a").Add("b").Add("c").Check(options =>
        {
            options.IncludeCustomerData = true;
            options.MaxReported = maxReported;
        }).RunAsync();

        Assert.That(entry.Data.Keys.Count(key => key.StartsWith("keyRing:", StringComparison.Ordinal)), Is.EqualTo(expected));
    }

    [Test]
    public async Task A_ring_that_cannot_be_made_is_told_without_its_settings_and_hides_no_other()
    {
        var host = new HealthHost(_world)
            .Add(RingName, change: settings => settings.KeyArn = "arn:aws:kms:eu-west-1:999988887777:key/mrk-1")
            .Add("other");
        host.Services.AddScalrByok().AddCredentialStrategy<Broken>();

        var entry = await host.Add("broken", change: settings => settings.Credentials = new() { Type = Broken.Name }).Check().RunAsync();

        Assert.That(
            (entry.Status, entry.Description),
            Is.EqualTo((HealthStatus.Unhealthy, "2 of 3 key rings are not healthy: 2 HostAtFault (Host).")));
        Assert.That(Secrets.FindIn(Texts(entry), ["999988887777", Broken.Secret]), Is.Empty);
        Assert.That(entry.Exception, Is.Null, "its text would be shown with it");
    }

    private static TestCaseData Trouble(string name, Action<ByokWorld> trouble) => new TestCaseData(trouble).SetArgDisplayNames(name);

    private static IEnumerable<string> Texts(HealthReportEntry entry) =>
        [
            entry.Description ?? "",
            entry.Exception?.ToString() ?? "",
            .. entry.Data.Keys,
            .. entry.Data.Values.Select(value => value.ToString() ?? ""),
        ];

    private string[] Identifying() =>
    [
        _world.Key.Arn, _world.Key.KeyId, ByokWorld.CustomerAccount, RingName, _world.AssumedRole.Arn, _world.AssumedRole.Name,
        _world.AccessKey.AccessKeyId, .. _world.Secrets,
    ];

    private HealthHost Host(bool includeCustomerData) => new HealthHost(_world)
        .Add($"{RingName}-keys", change: settings => settings.ReplicaRegions = ["us-east-2"])
        .Add($"{RingName}-role", "AssumeRole").Add($"{RingName}-oidc", "Oidc")
        .Check(options => options.IncludeCustomerData = includeCustomerData);

    private sealed class Broken : IByokCredentialStrategy
    {
        public const string Name = "Broken";
        public const string Secret = "a-secret-in-an-exception";

        public string Type => Name;

        public IEnumerable<string> Validate(ByokCredentialSettings credentials) => [];

        public AWSCredentials CreateCredentials(ByokCredentialSettings credentials, ByokCredentialContext context) =>
            throw new InvalidOperationException(Secret);
    }
}
