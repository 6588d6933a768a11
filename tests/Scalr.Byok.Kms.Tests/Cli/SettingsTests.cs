using System.Text.Json.Nodes;
using Byok.Cli;
using Spectre.Console.Testing;

namespace Scalr.Byok.Kms.Tests.Cli;

/// <summary>Where settings come from, and which come first.</summary>
internal sealed class SettingsTests
{
    private CliWorld _world = null!;

    [SetUp]
    public async Task StartAsync() => _world = await CliWorld.StartAsync();

    [TearDown]
    public async Task StopAsync() => await _world.DisposeAsync();

    [Test]
    public async Task Everything_can_come_from_the_environment()
    {
        var (demo, environment) = (_world.Demo, _world.Environment);
        environment["Byok:Endpoints:Kms:*"] = environment["Byok:Endpoints:Sts:*"] = demo.Aws.Endpoint.ToString();
        environment["Key:KeyArn"] = demo.Key.Arn;
        environment["Key:Credentials:Type"] = "Oidc";
        environment["Key:Credentials:RoleArn"] = demo.OidcRole.Arn;
        environment["Key:Credentials:Audience"] = demo.Audience;
        environment["TokenFile"] = _world.PathOf("settings/token.jwt");

        Assert.That((await _world.RunAsync("verify")).Code, Is.Zero);
    }

    [Test]
    public async Task Everything_but_secrets_can_come_from_options()
    {
        var demo = _world.Demo;
        _world.Environment["Key:Credentials:SecretAccessKey"] = demo.AccessKey.SecretAccessKey;

        var result = await _world.RunAsync(
            "verify",
            "--endpoint",
            $"{demo.Aws.Endpoint}",
            "--key-arn",
            demo.Key.Arn,
            "--credentials-type",
            "AccessKeys",
            "--access-key-id",
            demo.AccessKey.AccessKeyId);

        Assert.That(result.Code, Is.Zero, result.ToString());
    }

    [Test]
    public async Task Options_come_before_the_environment_and_that_before_the_file()
    {
        Assert.That(await KeyAsync(), Is.EqualTo(_world.Demo.Key.Arn));
        _world.Environment["Key:KeyArn"] = _world.Demo.NextKey.Arn;
        Assert.That(await KeyAsync(), Is.EqualTo(_world.Demo.NextKey.Arn));
        Assert.That(await KeyAsync("--key-arn", _world.Demo.Key.Arn), Is.EqualTo(_world.Demo.Key.Arn));

        async Task<string?> KeyAsync(params string[] args)
        {
            var output = (await _world.RunAsync(["health", "--json", "-s", _world.KeySettings, .. args])).Output;
            return JsonNode.Parse(output)!["keyArn"]!.GetValue<string>();
        }
    }

    [Test]
    public async Task Regions_in_options_take_the_place_of_those_in_the_file()
    {
        var settings = JsonNode.Parse(await File.ReadAllTextAsync(_world.KeySettings))!;
        settings["Key"]!["ReplicaRegions"] = new JsonArray("us-east-2", "us-west-2");
        var file = await _world.WriteAsync("replicas.json", System.Text.Encoding.UTF8.GetBytes(settings.ToJsonString()));

        var policy = (await _world.RunAsync("policy", "permissions", "-s", file, "--replica-region", "eu-west-1")).Output;
        var refused = await _world.RunAsync("encrypt", "-s", _world.KeySettings, "--allow-region", "eu-west-1");

        Assert.That(policy, Does.Contain("eu-west-1").And.Not.Contain("us-east-2").And.Not.Contain("us-west-2"));
        Assert.That(refused.Code, Is.EqualTo(ExitCode.Usage));
        Assert.That(refused.Error, Does.Contain("us-east-1"));
    }

    [Test]
    public async Task A_person_is_asked_for_the_secret_which_is_not_shown()
    {
        var secret = _world.Demo.AccessKey.SecretAccessKey;
        var settings = JsonNode.Parse(await File.ReadAllTextAsync(_world.KeySettings))!;
        settings["Key"]!["Credentials"]!.AsObject().Remove("SecretAccessKey");
        var file = await _world.WriteAsync("no-secret.json", System.Text.Encoding.UTF8.GetBytes(settings.ToJsonString()));
        using var console = new TestConsole();
        console.Interactive();
        console.Input.PushTextWithEnter(secret);
        (_world.AtTerminal, _world.Error) = (true, console);

        var asked = await _world.RunAsync("health", "-s", file);
        _world.AtTerminal = false;
        var notAsked = await _world.RunAsync("health", "-s", file);

        Assert.That(asked.Code, Is.Zero, asked.ToString());
        Assert.That(console.Output, Does.Contain($"Secret access key of {_world.Demo.AccessKey.AccessKeyId}").And.Not.Contain(secret));
        Assert.That(notAsked.Code, Is.EqualTo(ExitCode.Usage));
    }
}
