using System.Text.Json.Nodes;
using Byok.Cli;

namespace Scalr.Byok.Kms.Tests.Cli;

/// <summary>What byok says of a command line that it cannot follow.</summary>
internal sealed class UsageTests
{
    private const string Secret = "wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY";

    private CliWorld _world = null!;

    [OneTimeSetUp]
    public async Task StartAsync() => _world = await CliWorld.StartAsync();

    [OneTimeTearDown]
    public async Task StopAsync() => await _world.DisposeAsync();

    [SetUp]
    public void NobodyIsThere() => (_world.AtTerminal, _world.Input) = (false, Stream.Null);

    [TestCase("", "A command is needed: verify, encrypt, decrypt, inspect, reencrypt, count, health, policy, audit, local.")]
    [TestCase("policy", "A command is needed: permissions, assume-role, oidc, external-id.")]
    [TestCase("encyrpt x", "There is one argument too many, or byok does not have this command.")]
    [TestCase("verify x", "There is one argument too many")]
    [TestCase("inspect", "FILE is missing")]
    [TestCase("inspect a b", "There is one argument too many")]
    [TestCase("reencrypt", "FILE is missing")]
    [TestCase("encrypt --colour", "--colour: this command has no such option.")]
    [TestCase("encrypt file --settings", "--settings needs a value.")]
    [TestCase("encrypt file -c", "--context needs a value.")]
    [TestCase("encrypt file -j 0", "--parallel has an invalid value; it takes 1-64.")]
    [TestCase("encrypt file -j 65", "--parallel has an invalid value; it takes 1-64.")]
    [TestCase("reencrypt file -j many", "--parallel has an invalid value; it takes 1-64.")]
    [TestCase("encrypt file -o a -o b", "--output is given more than once.")]
    [TestCase("verify --wait -1", "--wait has an invalid value")]
    [TestCase("verify --wait 3601", "--wait has an invalid value")]
    [TestCase("health --interval 0", "--interval has an invalid value")]
    [TestCase("local --port 65536", "--port has an invalid value")]
    [TestCase("policy oidc --audience a", "--account-name is needed.")]
    public async Task A_command_line_that_is_wrong(string line, string complaint)
    {
        var result = await _world.RunAsync(line.Split(' ', StringSplitOptions.RemoveEmptyEntries));

        AssertUsage(result, complaint);
        Assert.That(result.Error, Does.Contain("--help"));
    }

    [TestCase("encrypt -c novalue", "--context needs NAME=VALUE.")]
    [TestCase("encrypt -c =value", "--context needs NAME=VALUE.")]
    [TestCase("encrypt -c a=1 -c a=2", "--context names 'a' twice.")]
    [TestCase("health --endpoint http://aws.example", "must be an https address")]
    [TestCase("health --endpoint nonsense", "must be an https address")]
    [TestCase("encrypt --json", "--json is for files")]
    [TestCase("encrypt - file", "there are several here")]
    [TestCase("encrypt a b -o -", "there are several here")]
    [TestCase("encrypt missing", "missing does not exist.")]
    [TestCase("decrypt missing.byok", "missing.byok does not exist.")]
    [TestCase("reencrypt missing.byok", "missing.byok does not exist.")]
    [TestCase("count missing.byok", "missing.byok does not exist.")]
    [TestCase("verify --settings missing.json", "The settings file cannot be read.")]
    [TestCase("policy permissions", "A key is needed: --key-arn.")]
    [TestCase("policy permissions --key-arn arn:aws:kms:us-east-1:1:key/x", "account")]
    [TestCase("policy assume-role", "An external ID is needed: --external-id.")]
    [TestCase("policy assume-role --external-id x --host-account 615271354814", "The external ID")]
    [TestCase("policy oidc --account-name acme --provider-host scalr.io", "An audience is needed: --audience.")]
    [TestCase("policy oidc --account-name acme --audience a --provider-host scalr.io", "--aws-account")]
    [TestCase("policy oidc --account-name a* --audience a --aws-account 111122223333 --provider-host scalr.io", "wildcard")]
    [TestCase("policy permissions --terraform --region mars", "--region is not the name of an AWS Region")]
    public async Task A_request_that_cannot_be_done(string line, string complaint) =>
        AssertUsage(await _world.RunAsync(line.Split(' ')), complaint);

    [Test]
    public async Task Settings_that_are_not_complete_are_told_with_every_complaint()
    {
        var result = await _world.RunAsync("encrypt", "--credentials-type", "AssumeRole", "--key-arn", "arn:aws:kms:mars:1:key/x");

        AssertUsage(result, "The settings are invalid:");
        Assert.That(result.Error, Does.Contain("KeyArn").And.Contain("RoleArn").And.Contain("ExternalId"));
    }

    [Test]
    public async Task A_context_that_no_message_can_have_is_refused_without_its_value([Values("encrypt", "verify")] string command)
    {
        AssertUsage(await _world.RunAsync(command, "-c", $"aws-crypto-x={Secret}", "-s", _world.KeySettings), "aws-crypto-");
        AssertUsage(await _world.RunAsync(command, "-c", $"scalr:tenant={Secret}", "-s", _world.KeySettings), "scalr:");
    }

    [Test]
    public async Task Credentials_of_type_AssumeRole_need_the_hosts_account()
    {
        string[] settings = ["-s", _world.Settings[1].Settings];
        var file = await File.ReadAllTextAsync(settings[1]);
        var without = await _world.WriteAsync(
            "without.json", System.Text.Encoding.UTF8.GetBytes(file.Replace("HostAccountId", "NoHostAccountId", StringComparison.Ordinal)));

        AssertUsage(await _world.RunAsync("verify", "-s", without), "give --host-account, or Byok:HostAccountId");
        AssertUsage(await _world.RunAsync("health", "-s", without), "Credentials:Type AssumeRole needs the AWS account of the host");
        Assert.That((await _world.RunAsync("verify", "-s", without, "--host-account", ByokPolicies.ScalrAccountId)).Code, Is.Zero);
        Assert.That((await _world.RunAsync(["verify", .. settings])).Code, Is.Zero);
    }

    [Test]
    public async Task A_previous_key_needs_the_same_as_a_current_one([Values(1, 2)] int previous)
    {
        var file = JsonNode.Parse(await File.ReadAllTextAsync(_world.KeySettings))!;
        var role = JsonNode.Parse(await File.ReadAllTextAsync(_world.Settings[previous].Settings))!["Key"]!["Credentials"]!;
        file["Byok"]!.AsObject().Remove("HostAccountId");
        file.AsObject().Remove("TokenFile");
        file["Key"]!["PreviousKeys"] = new JsonArray(new JsonObject
        {
            ["KeyArn"] = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab",
            ["Credentials"] = role.DeepClone(),
        });
        var settings = await _world.WriteAsync($"previous-{previous}.json", System.Text.Encoding.UTF8.GetBytes(file.ToJsonString()));

        AssertUsage(
            await _world.RunAsync("verify", "-s", settings),
            previous == 1 ? "give --host-account, or Byok:HostAccountId" : "give --token-file, or TokenFile");
    }

    [Test]
    public async Task Credentials_of_type_Oidc_need_a_token() =>
        AssertUsage(await _world.RunAsync("health", "--credentials-type", "oidc"), "give --token-file, or TokenFile");

    [Test]
    public async Task A_settings_file_that_is_no_JSON_is_told_by_its_line_and_not_quoted()
    {
        var path = await _world.WriteAsync("bad.json", System.Text.Encoding.UTF8.GetBytes($$"""
            { "Key": {
              "SecretAccessKey": {{Secret}} } }
            """));

        AssertUsage(await _world.RunAsync("verify", "-s", path), "is not valid JSON (line 2).");
    }

    [TestCase("encrypt file --secret-access-key {0}")]
    [TestCase("encrypt file --secret-access-key={0}")]
    [TestCase("verify --secret-access-key {0}")]
    [TestCase("verify --secret-access-key:{0}")]
    [TestCase("reencrypt {0} --secret-access-key")]
    public async Task A_secret_on_the_command_line_is_refused_and_not_repeated(string line) =>
        AssertUsage(
            await _world.RunAsync(string.Format(null, line, Secret).Split(' ')),
            "--secret-access-key: secrets are not taken from the command line");

    [TestCase("verify {0}")]
    [TestCase("encrypt file -c {0}")]
    [TestCase("encrypt file -j {0}")]
    [TestCase("health --interval {0}")]
    [TestCase("{0}")]
    public async Task Values_are_not_repeated(string line) =>
        AssertUsage(await _world.RunAsync(string.Format(null, line, Secret).Split(' ')), "byok:");

    [Test]
    public async Task A_person_is_told_when_there_is_nothing_to_read_or_nowhere_to_write()
    {
        _world.AtTerminal = true;
        AssertUsage(await _world.RunAsync("encrypt", "-s", _world.KeySettings), "There is nothing to read");
        AssertUsage(await _world.RunAsync("decrypt", "-s", _world.KeySettings), "There is nothing to read");

        _world.Input = new MemoryStream([1]);
        AssertUsage(await _world.RunAsync("encrypt", "-s", _world.KeySettings), "A message is binary");
    }

    [Test]
    public async Task A_stack_trace_is_shown_with_verbose_only()
    {
        var quiet = await _world.RunAsync("inspect", "missing");
        var verbose = await _world.RunAsync("inspect", "missing", "--verbose");

        Assert.That((quiet.Code, verbose.Code), Is.EqualTo((ExitCode.Failed, ExitCode.Failed)));
        Assert.That(quiet.Error, Does.Not.Contain("   at "));
        Assert.That(verbose.Error, Does.StartWith(quiet.Error.TrimEnd()).And.Contain("   at Byok.Cli."));
    }

    [TestCase("--help")]
    [TestCase("verify --help")]
    [TestCase("encrypt --help")]
    [TestCase("decrypt --help")]
    [TestCase("inspect --help")]
    [TestCase("reencrypt --help")]
    [TestCase("health --help")]
    [TestCase("policy permissions --help")]
    [TestCase("policy assume-role --help")]
    [TestCase("policy oidc --help")]
    [TestCase("policy external-id --help")]
    [TestCase("local --help")]
    public async Task Help_has_examples_that_fit_into_60_columns(string line)
    {
        var result = await _world.RunAsync(line.Split(' '));

        Assert.That((result.Code, result.Error), Is.EqualTo((ExitCode.Success, "")));
        var examples = result.Output.Split("Examples:")[1].Split(System.Environment.NewLine, StringSplitOptions.RemoveEmptyEntries);
        Assert.That(examples, Is.Not.Empty.And.All.Length.LessThanOrEqualTo(60));
    }

    private static void AssertUsage(CliResult result, string complaint)
    {
        Assert.That(result.Code, Is.EqualTo(ExitCode.Usage), result.ToString());
        Assert.That(result.Output, Is.Empty);
        Assert.That(result.Error, Does.StartWith("byok: ").And.Contain(complaint).And.Not.Contain(Secret).And.Not.Contain("   at "));
    }
}
