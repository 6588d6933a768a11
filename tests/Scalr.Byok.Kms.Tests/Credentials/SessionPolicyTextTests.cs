using System.Text.Json;
using Amazon.Runtime;
using LocalAws;
using Microsoft.Extensions.DependencyInjection;
using Scalr.Byok.Kms.Credentials;
using Scalr.Byok.Kms.Tests.World;

namespace Scalr.Byok.Kms.Tests.Credentials;

/// <summary>The text of the session policy: which keys it names, and that AWS STS can take it.</summary>
internal sealed class SessionPolicyTextTests
{
    private const int LongestPolicy = 2048;

    private ByokWorld _world = null!;

    [SetUp]
    public async Task StartAsync() => _world = await ByokWorld.StartAsync();

    [TearDown]
    public async Task StopAsync() => await _world.DisposeAsync();

    [Test]
    public void One_key_is_named_as_it_is() => Assert.That(Sessions().PolicyFor(Keys(1, "us-east-1")), Is.EqualTo(
        """{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["kms:Encrypt","kms:Decrypt","kms:DescribeKey"],"""
        + $"\"Resource\":\"{Keys(1, "us-east-1")[0]}\"}}]}}"));

    [TestCase("us-east-1")]
    [TestCase("ap-southeast-7")]
    [TestCase("us-gov-west-1")]
    public void All_keys_are_named_as_long_as_they_fit_and_then_the_first_alone(string region)
    {
        var sessions = Sessions();
        var fitting = 0;
        for (var count = 1; count <= 60; count++)
        {
            var keys = Keys(count, region);
            var fits = ByokPolicies.SessionPolicy(keys).Length <= LongestPolicy;

            var policy = sessions.PolicyFor(keys)!;

            Assert.That(policy, Has.Length.LessThanOrEqualTo(LongestPolicy));
            Assert.That(ResourcesOf(policy), Is.EqualTo(Texts(fits ? keys : keys[..1])));
            fitting += fits ? 1 : 0;
        }

        Assert.That(fitting, Is.InRange(15, 30));
    }

    [Test]
    public void Without_the_restriction_there_is_no_policy() =>
        Assert.That(Sessions(options => options.RestrictSessions = false).PolicyFor(Keys(1, "us-east-1")), Is.Null);

    [Test]
    public void Credentials_are_always_for_a_key() => Assert.That(
        () => new ByokCredentialContext([]), Throws.ArgumentException.With.Property("ParamName").EqualTo("keyArns"));

    [Test]
    public void A_strategy_is_told_all_keys_of_the_customer_and_first_the_one_that_the_session_is_for()
    {
        var services = _world.Services();
        services.AddScalrByok().AddCredentialStrategy<Recorder>().AddKeyRing(settings =>
        {
            settings.KeyArn = _world.Key.Arn;
            settings.ReplicaRegions = ["us-east-2"];
            settings.PreviousKeys = [new() { KeyArn = Keys(1, "us-west-2")[0].ToString(), Credentials = new() { Type = Recorder.Name } }];
            settings.Credentials = new() { Type = Recorder.Name };
        });
        var provider = _world.Build(services);

        _ = provider.GetRequiredService<IByokKeyRing>();

        KmsKeyArn[] all = [KmsKeyArn.Parse(_world.Key.Arn), KmsKeyArn.Parse(_world.Key.Arn).InRegion("us-east-2"), Keys(1, "us-west-2")[0]];
        var told = provider.GetServices<IByokCredentialStrategy>().OfType<Recorder>().Single().Told;
        Assert.That(told.Select(keys => keys[0]), Is.EqualTo(all));
        Assert.That(told, Is.All.EquivalentTo(all));
    }

    [TestCase("AssumeRole")]
    [TestCase("Oidc")]
    public async Task A_session_without_credentials_is_told_with_the_Region_that_was_asked(string type)
    {
        _world.Aws.Faults.Add(Fault.Body(200, "text/xml", $"<{Sts(type)}Response><{Sts(type)}Result/></{Sts(type)}Response>"));

        var thrown = await Assert.ThrowsAsync<ByokServiceException>(async () => await _world.Ring(type).EncryptAsync(new byte[1]));

        Assert.That((thrown!.Operation, thrown.Region, thrown.IsTransient), Is.EqualTo(($"sts:{Sts(type)}", ByokWorld.Region, true)));
        Assert.That(thrown.Message, Is.EqualTo($"AWS STS answered sts:{Sts(type)} without complete credentials. Try again later."));
    }

    private static string Sts(string type) => type == "Oidc" ? "AssumeRoleWithWebIdentity" : type;

    private static string[] Texts(IEnumerable<KmsKeyArn> keys) => [.. keys.Select(key => key.ToString())];

    private static KmsKeyArn[] Keys(int count, string region)
    {
        var partition = region.StartsWith("us-gov", StringComparison.Ordinal) ? "aws-us-gov" : "aws";
        return [.. Enumerable.Range(1, count)
            .Select(i => KmsKeyArn.Parse($"arn:{partition}:kms:{region}:{ByokWorld.CustomerAccount}:key/mrk-{i:x32}"))];
    }

    private static string[] ResourcesOf(string policy)
    {
        using var json = JsonDocument.Parse(policy);
        var resource = json.RootElement.GetProperty("Statement")[0].GetProperty("Resource");
        return resource.ValueKind == JsonValueKind.String
            ? [resource.GetString()!]
            : [.. resource.EnumerateArray().Select(text => text.GetString()!)];
    }

    private RoleSessions Sessions(Action<ByokOptions>? options = null) =>
        _world.Build(_world.Services(options)).GetRequiredService<RoleSessions>();

    private sealed class Recorder : IByokCredentialStrategy
    {
        public const string Name = "Recorder";

        public string Type => Name;

        public List<IReadOnlyList<KmsKeyArn>> Told { get; } = [];

        public IEnumerable<string> Validate(ByokCredentialSettings credentials) => [];

        public AWSCredentials CreateCredentials(ByokCredentialSettings credentials, ByokCredentialContext context)
        {
            Told.Add(context.KeyArns);
            return new AnonymousAWSCredentials();
        }
    }
}
