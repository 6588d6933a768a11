using System.Reflection;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using static Scalr.Byok.Kms.Tests.Keys.KeyArnSamples;

namespace Scalr.Byok.Kms.Tests.Settings;

/// <summary>Secrets go into settings and never come out as text: not by ToString, not by JSON, whichever way JSON is made.</summary>
internal sealed class SettingsSecrecyTests
{
    private const string Secret = "S3cret";
    private const string Json =
        $$"""
        {
          "KeyArn": "{{MultiRegion}}",
          "Credentials": { "Type": "AssumeRole", "AccessKeyId": "AKIA", "SecretAccessKey": "S3cret-1", "RoleArn": "{{Validated.RoleArn}}", "ExternalId": "S3cret-2", "Audience": "a" },
          "ReplicaRegions": [ "us-east-2" ],
          "PreviousKeys": [ { "KeyArn": "{{SingleRegion}}", "Credentials": { "Type": "AccessKeys", "SecretAccessKey": "S3cret-3", "ExternalId": "S3cret-4" } } ]
        }
        """;

    public static IEnumerable<TestCaseData> Serializers()
    {
        yield return Serializer(
            "reflection",
            new JsonSerializerOptions(JsonSerializerDefaults.General) { TypeInfoResolver = new DefaultJsonTypeInfoResolver() });
        yield return Serializer(
            "reflection, web",
            new JsonSerializerOptions(JsonSerializerDefaults.Web) { TypeInfoResolver = new DefaultJsonTypeInfoResolver() });
        yield return Serializer("source-generated", SettingsJson.Default.Options);
    }

    [Test]
    public void ToString_tells_the_key_and_the_type_alone()
    {
        var settings = Full();

        Assert.That(settings.ToString(), Is.EqualTo($"{MultiRegion}, AssumeRole"));
        Assert.That(settings.Credentials.ToString(), Is.EqualTo("AssumeRole"));
        Assert.That(settings.PreviousKeys[0].ToString(), Is.EqualTo($"{SingleRegion}, AccessKeys"));
        Assert.That(new ByokKeySettings().ToString(), Is.EqualTo("(no key ARN), (no credentials type)"));
        Assert.That(new ByokPreviousKeySettings().ToString(), Is.EqualTo("(no key ARN), (no credentials type)"));
    }

    [Test]
    public void ToString_of_the_options_shows_no_secret()
    {
        var options = new ByokOptions { HostIdentity = new() { AccessKeyId = "AKIA", SecretAccessKey = Secret, SessionToken = Secret } };

        Assert.That(options.ToString(), Does.Not.Contain(Secret));
        Assert.That(options.HostIdentity.ToString(), Is.EqualTo("access key"));
        Assert.That(new ByokHostIdentity().ToString(), Is.EqualTo("default credentials chain"));
    }

    /// <summary>Newtonsoft.Json asks a public method with this name whether it may write a property. It reads it all the same.</summary>
    [TestCase(typeof(ByokCredentialSettings))]
    [TestCase(typeof(ByokHostIdentity))]
    public void Newtonsoft_Json_is_told_not_to_write_the_secrets(Type type)
    {
        var secrets = type.GetProperties().Where(property => property.GetCustomAttribute<JsonIgnoreAttribute>() is not null).ToList();

        Assert.That(secrets, Has.Count.EqualTo(2));
        foreach (var secret in secrets)
        {
            var mayWrite = type.GetMethod($"ShouldSerialize{secret.Name}", Type.EmptyTypes);
            Assert.That(mayWrite?.Invoke(null, null), Is.EqualTo(false), secret.Name);
        }
    }

    [TestCaseSource(nameof(Serializers))]
    public void Json_is_written_without_the_secrets(JsonSerializerOptions json)
    {
        var written = JsonSerializer.Serialize(Full(), json.GetTypeInfo(typeof(ByokKeySettings)));

        Assert.That(
            written, Does.Not.Contain(Secret).And.Not.Contain("SecretAccessKey").IgnoreCase.And.Not.Contain("ExternalId").IgnoreCase);
        Assert.That(written, Does.Contain(MultiRegion).And.Contain(Validated.RoleArn).And.Contain("us-east-2").And.Contain(SingleRegion));
    }

    [TestCaseSource(nameof(Serializers))]
    public void Json_of_the_options_is_written_without_the_secrets(JsonSerializerOptions json)
    {
        var options = new ByokOptions { HostIdentity = new() { AccessKeyId = "AKIA", SecretAccessKey = Secret, SessionToken = Secret } };

        var written = JsonSerializer.Serialize(options, json.GetTypeInfo(typeof(ByokOptions)));

        Assert.That(written, Does.Contain("AKIA").And.Not.Contain(Secret));
    }

    [TestCaseSource(nameof(Serializers))]
    public void Json_is_read_with_the_secrets(JsonSerializerOptions json)
    {
        var settings = (ByokKeySettings)JsonSerializer.Deserialize(Json, json.GetTypeInfo(typeof(ByokKeySettings)))!;
        var previous = settings.PreviousKeys.Single();

        Assert.That((settings.Credentials.SecretAccessKey, settings.Credentials.ExternalId), Is.EqualTo(("S3cret-1", "S3cret-2")));
        Assert.That((previous.Credentials.SecretAccessKey, previous.Credentials.ExternalId), Is.EqualTo(("S3cret-3", "S3cret-4")));
        Assert.That(
            (settings.KeyArn, settings.Credentials.RoleArn, settings.ReplicaRegions.Single()),
            Is.EqualTo((MultiRegion, Validated.RoleArn, "us-east-2")));
    }

    [TestCaseSource(nameof(Serializers))]
    public void Json_of_the_options_is_read_with_the_secrets(JsonSerializerOptions json)
    {
        const string Host = """{ "HostIdentity": { "AccessKeyId": "AKIA", "SecretAccessKey": "S3cret-1", "SessionToken": "S3cret-2" } }""";

        var options = (ByokOptions)JsonSerializer.Deserialize(Host, json.GetTypeInfo(typeof(ByokOptions)))!;

        Assert.That((options.HostIdentity.SecretAccessKey, options.HostIdentity.SessionToken), Is.EqualTo(("S3cret-1", "S3cret-2")));
    }

    private static TestCaseData Serializer(string name, JsonSerializerOptions options) =>
        new TestCaseData(options).SetArgDisplayNames(name);

    private static ByokKeySettings Full() => new()
    {
        KeyArn = MultiRegion,
        Credentials = new()
        {
            Type = "AssumeRole",
            AccessKeyId = "AKIA",
            SecretAccessKey = Secret,
            RoleArn = Validated.RoleArn,
            ExternalId = Secret,
            Audience = "a",
        },
        ReplicaRegions = ["us-east-2"],
        PreviousKeys =
        [
            new() { KeyArn = SingleRegion, Credentials = new() { Type = "AccessKeys", SecretAccessKey = Secret, ExternalId = Secret } },
        ],
    };
}
